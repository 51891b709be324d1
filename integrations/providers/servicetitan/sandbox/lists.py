"""List endpoints: numbered pages of a filtered, sorted selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from integrations.providers.servicetitan.sandbox.dataset import Held, Shelf
from integrations.providers.servicetitan.sandbox.moments import read
from integrations.providers.servicetitan.sandbox.problems import Problem
from integrations.sandbox import SandboxRequest, SandboxResponse

COMMON = {
    *("page", "pageSize", "includeTotal", "sort", "ids"),
    *("createdBefore", "createdOnOrAfter", "modifiedBefore", "modifiedOnOrAfter"),
}
SIMULATED = {
    "customers": COMMON | {"active", "name"},
    "invoices": COMMON | {"activeState", "statuses", "customerId", "number", "orderBy", "orderByDirection"},
}
NOT_SIMULATED = {
    "customers": {
        *("excludeAccountingChangesFromModifiedDateRange", "street", "unit", "city", "state", "zip"),
        *("country", "latitude", "longitude", "phone"),
        *("externalDataApplicationGuid", "externalDataKey", "externalDataValues"),
    },
    "invoices": {
        *("batchId", "batchNumber", "jobId", "jobNumber", "businessUnitId", "adjustmentToId"),
        *("invoicedOnOrAfter", "invoicedOnBefore", "dueDateBefore", "dueDateOnOrAfter"),
        *("totalGreater", "totalLess", "balanceFilter.Balance", "balanceFilter.Comparer"),
        *("reviewStatuses", "assignedToIds", "invoiceConfigurations"),
        *("customField.Fields", "customField.Operator"),
    },
}
MAX_PAGE_SIZE = 5000
DEFAULT_PAGE_SIZE = 50
SORT_FIELDS = {"Id": "id", "ModifiedOn": "modifiedOn", "CreatedOn": "createdOn"}
ACTIVE = {"True": True, "Any": None, "False": False}
ACTIVE_STATE = {"ActiveOnly": True, "All": None, "InactiveOnly": False}
Test = Callable[[dict[str, Any]], bool]
VALUES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "name": lambda record: record.get("name"),
    "number": lambda record: record.get("referenceNumber"),
    "customerId": lambda record: str((record.get("customer") or {}).get("id")),
}


def answer(request: SandboxRequest, kind: str, shelf: Shelf) -> SandboxResponse:
    """One page. Raises Problem (400) for values that make no sense."""
    number = _whole(request, "page", 1, low=1, high=2**31)
    size = _whole(request, "pageSize", DEFAULT_PAGE_SIZE, low=1, high=MAX_PAGE_SIZE)
    tests = _tests(request, kind)
    found = [held for held in _sorted(request, kind, shelf) if _passes(held, tests)]
    shown = found[(number - 1) * size : number * size]
    total = request.parameter("includeTotal").lower() == "true"
    head = {
        "page": number,
        "pageSize": size,
        "hasMore": number * size < len(found),
        "totalCount": len(found) if total else None,
    }
    body = orjson.dumps(head)[:-1] + b',"data":[' + b",".join(held.body for held in shown) + b"]}"
    return SandboxResponse(200, {"Content-Type": "application/json; charset=utf-8"}, body)


def _passes(held: Held, tests: list[Test]) -> bool:
    if not tests:
        return True
    record = held.fields()
    return all(test(record) for test in tests)


def _tests(request: SandboxRequest, kind: str) -> list[Test]:
    tests: list[Test] = []
    ids = request.parameter("ids")
    if ids:
        wanted = set(ids.split(","))
        tests.append(lambda record: str(record.get("id")) in wanted)
    name, states = ("active", ACTIVE) if kind == "customers" else ("activeState", ACTIVE_STATE)
    state = _choice(request, name, states)
    if state is not None:
        tests.append(lambda record: bool(record.get("active")) is state)
    for parameter in ("createdBefore", "createdOnOrAfter", "modifiedBefore", "modifiedOnOrAfter"):
        tests += _moment_test(request, parameter)
    statuses = request.query.get("statuses", ())
    if statuses:
        tests.append(lambda record: record.get("syncStatus") in statuses)
    for parameter, read_value in VALUES.items():
        if value := request.parameter(parameter):
            tests.append(_value_test(read_value, value))
    return tests


def _value_test(read_value: Callable[[dict[str, Any]], Any], value: str) -> Test:
    return lambda record: read_value(record) == value


def _moment_test(request: SandboxRequest, parameter: str) -> list[Test]:
    given = request.parameter(parameter)
    if not given:
        return []
    bound = read(given)
    if bound is None:
        raise Problem(400, "Validation failed", {parameter: ["The value is no date and no moment."]})
    field = "modifiedOn" if parameter.startswith("modified") else "createdOn"

    def test(record: dict[str, Any]) -> bool:
        moment = read(record.get(field) or "")
        if moment is None:
            return False
        return moment >= bound if parameter.endswith("OnOrAfter") else moment < bound

    return [test]


def _sorted(request: SandboxRequest, kind: str, shelf: Shelf) -> list[Held]:
    sort = request.parameter("sort")
    if not sort:
        if kind == "invoices" and request.parameter("orderByDirection") in ("desc", "descending"):
            return shelf.in_order()[::-1]
        return sorted(shelf.in_order(), key=lambda held: held.place[1])
    direction, name = sort[0], sort[1:]
    if direction not in "+-" or name not in SORT_FIELDS:
        message = "The value is + or - and one of Id, ModifiedOn, CreatedOn."
        raise Problem(400, "Validation failed", {"sort": [message]})
    if name == "ModifiedOn":
        order = shelf.in_order()
    else:
        order = sorted(shelf.in_order(), key=lambda held: str(held.fields().get(SORT_FIELDS[name])))
    return order if direction == "+" else order[::-1]


def _choice(request: SandboxRequest, name: str, choices: dict[str, bool | None]) -> bool | None:
    given = request.parameter(name) or next(iter(choices))
    if given not in choices:
        raise Problem(400, "Validation failed", {name: [f"The value is one of {', '.join(choices)}."]})
    return choices[given]


def _whole(request: SandboxRequest, name: str, default: int, *, low: int, high: int) -> int:
    given = request.parameter(name)
    if not given:
        return default
    if not (given.isascii() and given.isdecimal()) or not low <= int(given) <= high:
        raise Problem(400, "Validation failed", {name: ["out of range"]})
    return int(given)
