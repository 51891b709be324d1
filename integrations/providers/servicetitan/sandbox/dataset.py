"""The records that the simulated API holds, in the order of their changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from integrations.providers.servicetitan.sandbox import generator
from integrations.providers.servicetitan.sandbox.clients import FIRST_TENANT
from integrations.providers.servicetitan.sandbox.generator import random_stream
from integrations.providers.servicetitan.sandbox.moments import read, stamp, ticks_of
from integrations.providers.servicetitan.sandbox.options import SeedOptions

KINDS = ("customers", "invoices")
MAX_HOSTILE = 10
Place = tuple[str, int]
"""Where a record stands in the order of changes: its stamp and a number that tells equals apart."""


def now_stamp(age: float = 0) -> str:
    """This moment, or one so many seconds ago, as the vendor writes it."""
    return stamp(ticks_of(datetime.now(UTC) - timedelta(seconds=age)))


@dataclass(slots=True)
class Held:
    """One record: where it stands, and its bytes."""

    place: Place
    body: bytes

    def fields(self) -> dict[str, Any]:
        """The record, decoded."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found


class Shelf:
    """The records of one kind of one tenant and environment; not thread safe, its owner locks."""

    def __init__(self, records: Iterable[Mapping[str, Any]] = ()) -> None:
        self._held: dict[int, Held] = {}
        self._order: list[Held] | None = None
        self.revision = 0
        for record in records:
            self.put(record)

    def __len__(self) -> int:
        return len(self._held)

    def put(self, record: Mapping[str, Any]) -> None:
        """Add a record, or replace the one of the same id. Records without a usable id are only added."""
        given = record.get("id")
        key = given if isinstance(given, int) else -1 - len(self._held)
        text = record.get("modifiedOn") or record.get("createdOn")
        moment = read(text) if isinstance(text, str) else None
        self._held[key] = Held((moment or stamp(0), key), orjson.dumps(record))
        self._order = None
        self.revision += 1

    def get(self, key: int) -> Held | None:
        """A record by its id."""
        return self._held.get(key)

    def in_order(self) -> list[Held]:
        """Every record, the one whose change is oldest first."""
        if self._order is None:
            self._order = sorted(self._held.values(), key=lambda held: held.place)
        return self._order

    def after(self, place: Place, *, inclusive: bool, before: str) -> list[Held]:
        """The records after a place whose change is not younger than `before`, in order."""
        order = self.in_order()
        bisect = bisect_left if inclusive else bisect_right
        first = bisect(order, place, key=lambda held: held.place)
        return order[first : bisect_right(order, before, key=lambda held: held.place[0])]

    def touch(self, key: int, age: float = 0) -> None:
        """Change a record as people in the office do, so many seconds ago."""
        held = self._held[key]
        record = held.fields()
        if "total" in record:
            record["referenceNumber"] = f"{record.get('referenceNumber')}*"
        else:
            record["name"] = f"{record.get('name')} *"
        self.put(record | {"modifiedOn": now_stamp(age)})

    def ids(self) -> list[int]:
        """The ids of the records that have one."""
        return [key for key in self._held if key >= 0]


class Dataset:
    """Every tenant's records, generated when they are first asked for."""

    def __init__(self, options: SeedOptions | None = None) -> None:
        self.options = options or SeedOptions(customers=0, invoices=0, tenants=0, hostile=False)
        self._shelves: dict[tuple[str, int, str], Shelf] = {}
        self._touches = 0

    def shelf(self, environment: str, tenant: int, kind: str) -> Shelf:
        """The records of one kind of a tenant."""
        found = self._shelves.get((environment, tenant, kind))
        if found is None:
            found = Shelf(self._generate(environment, tenant, kind))
            self._shelves[environment, tenant, kind] = found
        return found

    def hostile(self, environment: str, tenant: int) -> bool:
        """Whether a tenant has records that cannot be taken."""
        return self.options.hostile and tenant == FIRST_TENANT and environment == "integration"

    def touch(self, environment: str, tenant: int, kind: str, count: int, age: float = 0) -> list[int]:
        """Change some sound records, so many seconds ago; returns their ids."""
        self._touches += 1
        shelf = self.shelf(environment, tenant, kind)
        hostile = self._hostile_keys(environment, tenant, kind)
        keys = sorted(key for key in shelf.ids() if key not in hostile)
        rng = random_stream(f"{self.options.titan_seed}:{self._touches}")
        chosen = sorted(rng.sample(keys, min(count, len(keys))))
        for key in chosen:
            shelf.touch(key, age)
        return chosen

    def _hostile_keys(self, environment: str, tenant: int, kind: str) -> range:
        if not self.hostile(environment, tenant):
            return range(0)
        sound = self.options.customers if kind == "customers" else self.options.invoices
        first = generator.FIRST_IDS[kind] + sound
        return range(first + 1, first + 1 + MAX_HOSTILE)

    def _generate(self, environment: str, tenant: int, kind: str) -> list[dict[str, Any]]:
        options = self.options
        seed = f"{options.titan_seed}:{environment}:{tenant}"
        if not 0 < tenant_number(tenant) <= options.tenants:
            return []
        hostile = self.hostile(environment, tenant)
        if kind == "customers":
            records = [generator.customer(seed, n) for n in range(1, options.customers + 1)]
            bad = generator.hostile_customers(seed, options.customers)
        else:
            total = options.customers
            records = [generator.invoice(seed, n, total) for n in range(1, options.invoices + 1)]
            bad = generator.hostile_invoices(seed, options.invoices, total)
        return [*records, *(record for _, record in bad)] if hostile else records


def tenant_number(tenant: int) -> int:
    """The number of a generated tenant, from 1."""
    return tenant - FIRST_TENANT + 1
