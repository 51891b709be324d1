"""Control calls of the ServiceTitan sandbox: what people in the office and administrators do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.providers.servicetitan.sandbox.clients import ENVIRONMENTS
from integrations.providers.servicetitan.sandbox.dataset import KINDS, Dataset
from integrations.sandbox import SandboxError

CONTROL_PATHS = {
    "POST clients": "add, change or (null) remove clients: {client_id: {client_secret, tenant, ...}}",
    "POST switches": "change settings: {token_ttl, clock_skew, rps_limit, retry_after, feed_lag_s, ...}",
    "POST records": 'insert or change records: {"kind", "tenant", "environment", "records": [...]}',
    "POST touch": 'change records: {"count" or "percent", "kind", "tenant", "environment", "age_s"}',
    "POST mutate": 'change a record of page 1 after page 1 was served: {"kind", "times"}',
    "POST quirks": 'what feeds do wrong, so many times: {"kind", "empty_first_page", "stuck_token"}',
    "POST expire": "let every token expire now",
    "GET violations": "query parameters that the API does not have",
    "DELETE violations": "forget the violations",
}


def put_records(dataset: Dataset, document: dict[str, Any], default: tuple[str, int]) -> dict[str, int]:
    """Insert or change records of one tenant; raises SandboxError."""
    kind = kind_of(document)
    records = document.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise SandboxError("records must be a list of objects.")
    environment, tenant = _tenant(document, default)
    shelf = dataset.shelf(environment, tenant, kind)
    for record in records:
        held = shelf.get(record["id"]) if isinstance(record.get("id"), int) else None
        shelf.put((held.fields() if held else {}) | record)
    return {"held": len(shelf)}


def touch(dataset: Dataset, document: dict[str, Any], tenants: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """Change some records of one tenant, or of each; raises SandboxError."""
    count, percent = document.get("count"), document.get("percent")
    if (count is None) == (percent is None):
        raise SandboxError("Give either count or percent.")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        raise SandboxError(f"count must be a whole number, not {count!r}.")
    if percent is not None and (not isinstance(percent, int | float) or not 0 < percent <= 100):
        raise SandboxError(f"percent must be a number above 0 and at most 100, not {percent!r}.")
    age = document.get("age_s", 0)
    if isinstance(age, bool) or not isinstance(age, int | float) or age < 0:
        raise SandboxError(f"age_s must be a number from 0, not {age!r}.")
    kinds = [kind_of(document)] if "kind" in document else list(KINDS)
    chosen = [_tenant(document, ("integration", 0))] if "tenant" in document else list(tenants)
    touched = 0
    for environment, tenant in chosen:
        for kind in kinds:
            held = len(dataset.shelf(environment, tenant, kind))
            wanted = count if count is not None else round(held * (percent or 0) / 100)
            touched += len(dataset.touch(environment, tenant, kind, wanted, age))
    return {"touched": touched}


def kind_of(document: dict[str, Any]) -> str:
    """The kind of record that a control call is about; raises SandboxError."""
    kind = document.get("kind")
    if kind not in KINDS:
        raise SandboxError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    return str(kind)


def times_of(document: dict[str, Any], name: str) -> int:
    """How often something shall happen; raises SandboxError."""
    value = document.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SandboxError(f"{name} must be a whole number from 0, not {value!r}.")
    return value


def _tenant(document: dict[str, Any], default: tuple[str, int]) -> tuple[str, int]:
    environment = document.get("environment", default[0])
    tenant = document.get("tenant", default[1])
    if environment not in ENVIRONMENTS or not isinstance(tenant, int):
        raise SandboxError("tenant must be a whole number and environment integration or production.")
    return str(environment), tenant
