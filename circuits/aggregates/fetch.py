"""Fetching planned units, once a work order, and making the numbers of its circuits from them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from circuits.aggregates.selection import WorkOrder
from circuits.aggregates.store import Fresh, with_miles
from circuits.aggregates.totals import UnitBook, totals
from circuits.aggregates.units import read_units
from circuits.workstudio.client import WorkStudioClient
from circuits.workstudio.errors import WorkStudioNotConfigured
from integrations.http.errors import Action, Fault, IntegrationError
from integrations.sync.records import Refused

logger = logging.getLogger("syncplatform.circuits")

FAILURES_IN_A_ROW = 3


@dataclass(slots=True)
class Fetched:
    """What became of one work order: numbers for its circuits, or the error that prevented them.

    `refused` are units that could not be read; the numbers are those of the others.
    """

    work_order: WorkOrder
    fresh: list[Fresh] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    error: IntegrationError | None = None
    units: int = 0


def fetch(
    client: WorkStudioClient,
    orders: Iterable[WorkOrder],
    book: UnitBook,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Fetched]:
    """Fetch each work order. One that fails is handed on as such, and the others are fetched all the same.

    Raises the error when no further call can succeed: no login is left, the vendor asks to wait, or three
    work orders in a row failed of something else. Raises what `check` raises, before each call.
    """
    failures = 0
    for order in orders:
        check()
        try:
            result = _fetch_one(client, order, book)
        except IntegrationError as error:
            without_login = error.fault is Fault.CREDENTIAL or isinstance(error, WorkStudioNotConfigured)
            failures += not without_login
            hopeless = error.action is Action.POSTPONE or (without_login and client.logins.spent)
            if hopeless or failures == FAILURES_IN_A_ROW:
                raise
            logger.warning("planned units of %s could not be fetched: %s", order.number, error)
            result = Fetched(order, error=error)
        else:
            failures = 0
        yield result


def _fetch_one(client: WorkStudioClient, order: WorkOrder, book: UnitBook) -> Fetched:
    units, refused = read_units(client.planned_units(order.number))
    book.note_unknown(units)
    result = Fetched(order, refused=refused, units=len(units))
    for circuit in order.circuits:
        own = [unit for unit in units if unit.extension == circuit.extension]
        is_split_without_units = not own and circuit.is_split
        numbers = None if is_split_without_units else with_miles(circuit, totals(own, book.measured_in))
        result.fresh.append(Fresh(circuit, numbers))
    return result
