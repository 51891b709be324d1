"""The same work done as a tutorial would, row by row: `python -m benchmarks.streams.django_loop URL ROWS`."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from decimal import Decimal

import django
import requests


def main(url: str, rows: int) -> None:
    """Prints how many rows took how many seconds."""
    from django.utils import timezone

    from benchmarks.streams.customers.models import BenchCustomer

    started, done, number = time.perf_counter(), 0, 1
    while done < rows:
        reply = requests.get(f"{url}/crm/v2/tenant/1/customers?page={number}&pageSize=1000", timeout=30)
        for record in reply.json()["data"][: rows - done]:
            now = timezone.now()
            address = record["address"]
            values = {
                "active": record["active"],
                "name": record["name"],
                "type": record["type"],
                "street": address["street"],
                "city": address["city"],
                "address": address,
                "custom_fields": record["customFields"],
                "balance": Decimal(str(record["balance"])),
                "tax_exempt": record["taxExempt"],
                "tag_type_ids": record["tagTypeIds"],
                "do_not_mail": record["doNotMail"],
                "do_not_service": record["doNotService"],
                "national_account": record["nationalAccount"],
                "created_on": datetime.fromisoformat(record["createdOn"]),
                "created_by_id": record["createdById"],
                "source_modified_on": datetime.fromisoformat(record["modifiedOn"]),
                "merged_to_id": record["mergedToId"],
                "payment_term_id": record["paymentTermId"],
                "credit_limit": Decimal(str(record["creditLimit"])),
                "external_data": record["externalData"],
                "raw": record,
                "last_changed_at": now,
            }
            BenchCustomer.objects.update_or_create(
                credential_id=1,
                external_id=record["id"],
                defaults=values,
                create_defaults={**values, "first_seen_at": now},
            )
            done += 1
        number += 1
    print(json.dumps({"rows": done, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1], int(sys.argv[2]))
