"""Believable customers and invoices from a seed, and records that cannot be taken."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from integrations.providers.servicetitan.sandbox.moments import TICKS, stamp, ticks_of

BEGIN = ticks_of(datetime(2024, 1, 2, 8, tzinfo=UTC))
FIRST_IDS = {"customers": 10_000, "invoices": 50_000}
STEP = 900 * TICKS
"""Fifteen minutes lie between the changes of neighboring records, more or less."""

FIRST_NAMES = (
    *("Ada", "Bela", "Carmen", "Dov", "Esi", "Farid", "Greta", "Hana"),
    *("Ivo", "Jun", "Kofi", "Lena", "Mira", "Noor", "Otto", "Pia"),
)
LAST_NAMES = (
    *("Example", "Sample", "Placeholder", "Testa", "Demovic"),
    *("Muster", "Specimen", "Modelo", "Vzor", "Mallis"),
)
TRADES = ("Bakery", "Dental", "Garage", "Bookshop", "Diner", "Laundry", "Florist", "Gym")
STREETS = ("Main St", "Alder Ave", "Canal Rd", "Mill Ln", "Station Way", "Orchard Ct")
CITIES = (
    *(("Glendale", "CA", "91203"), ("Mesa", "AZ", "85201")),
    *(("Boise", "ID", "83702"), ("Reno", "NV", "89501")),
)
UNITS = ((701, "HVAC Service"), (702, "Plumbing"), (703, "Electrical"), (704, "Install"))
REVIEWS = ("NeedsReview", "Reviewed", "ReadyForBilling", "Invoiced")


def random_stream(seed: str) -> random.Random:
    """Numbers that look random and are the same for the same seed."""
    return random.Random(seed)  # noqa: S311


def _moments(rng: random.Random, number: int) -> tuple[str, str]:
    """When a record was created and last changed; every eighth shares its moment with the one before."""
    slot = number - 1 if number % 8 == 0 else number
    changed = BEGIN + slot * STEP + random_stream(str(slot)).randrange(60 * TICKS)
    return stamp(changed - rng.randrange(1, 400) * 86_400 * TICKS), stamp(changed)


def _address(rng: random.Random) -> dict[str, Any]:
    city, state, code = rng.choice(CITIES)
    located = rng.random() < 0.8
    return {
        "street": f"{rng.randrange(1, 990)} {rng.choice(STREETS)}",
        "unit": f"{rng.randrange(1, 40)}" if rng.random() < 0.2 else None,
        "city": city,
        "state": state,
        "zip": code,
        "country": "USA",
        "latitude": round(rng.uniform(33, 43), 6) if located else None,
        "longitude": round(rng.uniform(-119, -111), 6) if located else None,
    }


def customer(seed: str, number: int) -> dict[str, Any]:
    """One customer of a tenant."""
    rng = random_stream(f"{seed}:customer:{number}")
    created, changed = _moments(rng, number)
    commercial = rng.random() < 0.25
    person = f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
    name = f"{rng.choice(LAST_NAMES)} {rng.choice(TRADES)}" if commercial else person
    merged = number > 20 and rng.random() < 0.02
    credit = round(rng.uniform(500, 9000), 2) if commercial else None
    return {
        "id": 10_000 + number,
        "active": not merged,
        "name": "Zoë Ångström-Łukasz" if number % 50 == 0 else name,
        "type": "Commercial" if commercial else "Residential",
        "address": _address(rng),
        "customFields": [{"typeId": 31, "name": "Gate code", "value": str(rng.randrange(1000, 9999))}]
        if rng.random() < 0.3
        else [],
        "balance": round(rng.uniform(0, 2500), 2) if rng.random() < 0.4 else 0,
        "taxExempt": rng.random() < 0.05,
        "tagTypeIds": rng.sample(range(201, 220), k=rng.randrange(0, 3)),
        "doNotMail": rng.random() < 0.1,
        "doNotService": False,
        "nationalAccount": commercial and rng.random() < 0.1,
        "createdOn": created,
        "createdById": rng.randrange(1, 40),
        "modifiedOn": changed,
        "mergedToId": 10_000 + number - 10 if merged else None,
        "paymentTermId": 3 if commercial else None,
        "creditLimit": credit,
        "creditLimitBalance": credit,
        "externalData": [],
    }


def invoice(seed: str, number: int, customers: int) -> dict[str, Any]:
    """One invoice of a tenant that has so many customers."""
    rng = random_stream(f"{seed}:invoice:{number}")
    created, changed = _moments(rng, number)
    of_customer = 10_001 + (number - 1) % max(1, customers)
    items = [_item(rng, number * 10 + line, created, changed, line) for line in range(1, rng.randrange(2, 4))]
    total = sum(round(float(item["total"]) * 100) for item in items)
    tax = round(total * 0.0725)
    paid = rng.random() < 0.6
    unit = rng.choice(UNITS)
    address = {key: value for key, value in _address(rng).items() if key not in ("latitude", "longitude")}
    return {
        "id": 50_000 + number,
        "syncStatus": rng.choice(("Pending", "Posted", "Exported")),
        "summary": f"<p>Visit {number}: replaced filter &amp; checked system</p>",
        "referenceNumber": f"{880_000 + number}",
        "invoiceDate": created[:10] + "T00:00:00Z",
        "dueDate": changed[:10] + "T00:00:00Z",
        "subTotal": _money(total),
        "salesTax": _money(tax),
        "salesTaxCode": {"id": 12, "name": "State", "taxRate": 0.0725},
        "total": _money(total + tax),
        "balance": "0.00" if paid else _money(total + tax),
        "invoiceType": {"id": 5, "name": "Service"},
        "customer": {"id": of_customer, "name": f"Customer {of_customer}"},
        "customerAddress": address,
        "location": {"id": of_customer + 20_000, "name": f"Location of {of_customer}"},
        "locationAddress": address,
        "businessUnit": {"id": unit[0], "name": unit[1]},
        "termName": "Net 30",
        "createdBy": "dispatcher",
        "batch": {"id": 40 + number // 500, "number": str(number // 500), "name": "Daily"},
        "depositedOn": None,
        "createdOn": created,
        "modifiedOn": changed,
        "adjustmentToId": None,
        "job": {"id": 300_000 + number, "number": f"J{number}", "type": "Maintenance"},
        "projectId": None,
        "royalty": None,
        "employeeInfo": {"id": 77, "name": "A. Tech", "modifiedOn": changed},
        "commissionEligibilityDate": None,
        "items": items,
        "customFields": [],
        "assignedTo": None,
        "sentStatus": rng.choice(("NotSent", "Sent", "Opened")),
        "reviewStatus": rng.choice(REVIEWS),
        "paidOn": changed if paid else None,
        "active": rng.random() > 0.02,
        "invoiceConfiguration": "JobInvoice",
        "discountTotal": "0.00",
        "taxZoneId": 2,
        "importId": None,
        "exportId": None,
        "budgetCodeId": None,
        "materialSkuId": None,
        "membershipId": None,
    }


def _item(rng: random.Random, number: int, created: str, changed: str, order: int) -> dict[str, Any]:
    cents = rng.randrange(1500, 60_000)
    return {
        "id": number,
        "type": rng.choice(("Service", "Material")),
        "description": "Filter <b>16x25</b>",
        "skuName": f"SKU-{rng.randrange(100, 999)}",
        "skuId": rng.randrange(100, 999),
        "quantity": "1.0000",
        "cost": _money(cents // 2),
        "totalCost": _money(cents // 2),
        "price": _money(cents),
        "total": _money(cents),
        "memberPrice": _money(cents),
        "inventory": False,
        "taxable": True,
        "isChargeable": True,
        "membershipTypeId": 0,
        "createdOn": created,
        "modifiedOn": changed,
        "order": order,
        "addOn": False,
        "soldHours": 1.5,
    }


def _money(cents: int) -> str:
    return f"{cents / 100:.2f}"


def hostile_customers(seed: str, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, record) of customers that cannot be taken; their ids follow those of the sound ones."""
    changes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("missing_id", {"id": None}),
        ("money_not_number", {"balance": "a lot"}),
        ("nul_in_name", {"name": "Ada\x00Example"}),
        ("id_not_number", {"id": {"value": 7}}),
    )
    for offset, (kind, change) in enumerate(changes, start=1):
        record = customer(seed, count + offset) | change
        if kind == "missing_id":
            del record["id"]
        yield kind, record


def hostile_invoices(seed: str, count: int, customers: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, record) of invoices that cannot be taken; their ids follow those of the sound ones."""
    changes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("money_not_number", {"total": "12,50"}),
        ("money_too_large", {"balance": "123456789012345678.00"}),
    )
    for offset, (kind, change) in enumerate(changes, start=1):
        yield kind, invoice(seed, count + offset, customers) | change
