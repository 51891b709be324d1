"""Loading declared schedules into the database, and showing when they run next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import croniter  # type: ignore[import-untyped]
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule as Row

from accounts.models import Account
from integrations.schedules.declared import TIME_ZONE, declared_schedules

FIRE = "integrations.schedules.firing.fire"


@dataclass(slots=True)
class Loaded:
    """Names by what became of them."""

    created: list[str]
    updated: list[str]
    unchanged: list[str]
    removed: list[str]


def load_schedules(*, dry_run: bool = False) -> Loaded:
    """Make the rows what the declarations say; a row keeps its next time unless its cron changed.

    Rows that we made and that are not declared any more are removed; rows of others are left alone.
    """
    found = Loaded([], [], [], [])
    with transaction.atomic():
        if not dry_run:
            _one_at_a_time()
        rows, superfluous = _rows_by_name()
        for name, schedule in declared_schedules().items():
            row = rows.pop(name, None)
            if row is not None and row.cron == schedule.cron and row.next_run is not None:
                found.unchanged.append(name)
                continue
            (found.created if row is None else found.updated).append(name)
            if not dry_run:
                _save(row or Row(name=name), schedule.cron)
        found.removed = sorted([*rows, *(str(row.name) for row in superfluous)])
        if found.removed and not dry_run:
            Row.objects.filter(pk__in=[row.pk for row in (*rows.values(), *superfluous)]).delete()
    return found


def next_times(cron: str, after: datetime, count: int = 3) -> list[datetime]:
    """The next moments of a cron line after a moment, in New York's time, right across clock changes.

    Raises ValueError for a line that is none.
    """
    times = croniter(cron, after.astimezone(ZoneInfo(TIME_ZONE)))
    return [times.get_next(datetime) for _ in range(count)]


def _one_at_a_time() -> None:
    """Hold off another process that loads: nothing in the database keeps names apart."""
    Account.objects.select_for_update(no_key=True).get(pk=Account.objects.platform().pk)


def _rows_by_name() -> tuple[dict[str, Row], list[Row]]:
    """Our rows by name, and those that have the name of another."""
    rows: dict[str, Row] = {}
    superfluous = []
    for row in Row.objects.select_for_update().filter(func=FIRE).order_by("pk"):
        if row.name in rows:
            superfluous.append(row)
        else:
            rows[row.name] = row
    return rows, superfluous


def _save(row: Row, cron: str) -> None:
    """Set the next time too: a row without one would fire at once.

    django-q2 reckons one of its own when a row is inserted, which is replaced.
    """
    row.func = FIRE
    row.args = repr(row.name)
    row.schedule_type = Row.CRON
    row.cron = cron
    row.repeats = -1
    row.cluster = None
    row.save()
    row.next_run = next_times(cron, timezone.now(), 1)[0]
    row.save(update_fields=["next_run"])
