"""The least that would do on PostgreSQL, without any of the product: `floor_pg.py DSN URL`.

requests, orjson, COPY into a temporary table and one merge a page, into the same columns as the product's
table: raw JSON, hashes, run, changed fields and times included. It validates and counts nothing.
"""

import hashlib
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import requests

COLUMNS = (
    "credential_id", "external_id", "active", "name", "type", "street", "city", "address", "custom_fields",
    "balance", "tax_exempt", "tag_type_ids", "do_not_mail", "do_not_service", "national_account",
    "created_on", "created_by_id", "source_modified_on", "merged_to_id", "payment_term_id", "credit_limit",
    "credit_limit_balance", "external_data",
    "raw", "content_hash", "payload_hash", "changed_fields", "first_seen_at", "last_changed_at",
    "last_run_id",
)  # fmt: skip
KEPT = ("credential_id", "external_id", "first_seen_at")
COMPARED = COLUMNS[2:25]
KEYS = orjson.OPT_SORT_KEYS


def text(value: object) -> str:
    return orjson.dumps(value).decode()


def row(record: dict[str, Any], run: object, now: object) -> tuple[object, ...]:
    address = record["address"]
    raw = orjson.dumps(record)
    content = hashlib.blake2b(orjson.dumps(record, option=KEYS), digest_size=16).hexdigest()
    payload = hashlib.blake2b(raw, digest_size=16).hexdigest()
    return (
        1, record["id"], record["active"], record["name"], record["type"], address["street"], address["city"],
        text(address), text(record["customFields"]), record["balance"], record["taxExempt"],
        text(record["tagTypeIds"]), record["doNotMail"], record["doNotService"], record["nationalAccount"],
        record["createdOn"], record["createdById"], record["modifiedOn"], record["mergedToId"],
        record["paymentTermId"], record["creditLimit"], record["creditLimitBalance"],
        text(record["externalData"]), raw.decode(), content, payload, "[]", now, now, run,
    )  # fmt: skip


def main(dsn: str, url: str) -> None:
    run, now = uuid.uuid4(), datetime.now(UTC)
    names = ", ".join(COLUMNS)
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in KEPT)
    old = ", ".join(f"t.{name}" for name in COMPARED)
    new = ", ".join(f"excluded.{name}" for name in COMPARED)
    merge = (
        f"INSERT INTO bench_customers AS t ({names}) SELECT {names} FROM stage "
        f"ON CONFLICT (credential_id, external_id) DO UPDATE SET {changes} "
        f"WHERE ({old}) IS DISTINCT FROM ({new})"
    )
    with requests.Session() as http, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TEMP TABLE stage AS SELECT {names} FROM bench_customers WITH NO DATA")
        number, more = 1, True
        while more:
            reply = http.get(f"{url}/crm/v2/tenant/1/customers?page={number}&pageSize=1000")
            page = orjson.loads(reply.content)
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute("TRUNCATE stage")
                with cursor.copy(f"COPY stage ({names}) FROM STDIN") as copy:
                    for record in page["data"]:
                        copy.write_row(row(record, run, now))
                cursor.execute(merge)
            number, more = number + 1, page["hasMore"]


if __name__ == "__main__":
    main(*sys.argv[1:])
