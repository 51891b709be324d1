"""The strip above the circuits' list."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, DecimalField, Q, Sum, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from circuits.admin import holders
from circuits.models import Circuit
from circuits.statuses import ApiStatus
from circuits.sync.job import SyncCircuitsJob
from synclogs.admin import html, run_cells
from synclogs.admin.words import number
from synclogs.models import SyncLog

STATUS_TONES = {ApiStatus.ACTIV: "info", ApiStatus.QC: "warn", ApiStatus.REWRK: "bad", ApiStatus.CLOSE: "ok"}
MILES: DecimalField[Any, Any] = DecimalField(max_digits=14, decimal_places=2)


def circuit_summary(user: User) -> dict[str, Any]:
    """Circuits per status, miles, those without a planner, and the last sync: of what this user may see."""
    visible = Circuit.objects.visible_to(user).present()
    return {
        "statuses": statuses(user),
        "miles": _miles(visible.filter(is_excluded=False)),
        "excluded": number(visible.filter(is_excluded=True).count()),
        "unlinked": number(holders.taken_by_unlinked(visible).count()),
        "without_planner": number(holders.without_planner(visible).count()),
        "last_sync": _last_sync(user),
    }


def statuses(user: User) -> list[dict[str, Any]]:
    """How many visible circuits each status has, with its tone."""
    visible = Circuit.objects.visible_to(user).present()
    counted = dict(visible.order_by().values_list("api_status").annotate(Count("pk")))
    return [
        {
            "code": status.value,
            "label": status.label,
            "count": number(counted.get(status.value, 0)),
            "tone": STATUS_TONES[status] if counted.get(status.value) else "zero",
        }
        for status in ApiStatus
    ]


def last_sync(user: User) -> SyncLog | None:
    """The newest circuit run that this user may see."""
    runs = SyncLog.objects.visible_to(user).filter(sync_type=SyncCircuitsJob.sync_type)
    return runs.select_related("job").order_by("-started_at").first()


def _last_sync(user: User) -> dict[str, Any] | None:
    run = last_sync(user) if user.has_perm("synclogs.view_synclog") else None
    if run is None:
        return None
    return {
        "url": run_cells.run_url(run),
        "status": run_cells.status(run),
        "when": html.when(run.completed_at or run.started_at),
        "error": run.error_message,
    }


def _miles(circuits: Any) -> dict[str, Any]:
    zero = Value(0, output_field=MILES)
    sums = circuits.aggregate(
        total=Coalesce(Sum("total_miles"), zero, output_field=MILES),
        planned=Coalesce(Sum("miles_planned"), zero, output_field=MILES),
        complete=Count("pk", filter=Q(percent_complete__gte=100)),
    )
    percent = 100 * float(sums["planned"]) / float(sums["total"]) if sums["total"] else 0.0
    return {
        "total": number(sums["total"]),
        "planned": number(sums["planned"]),
        "percent": f"{percent:.0f}",
        "bar": html.bar(percent),
        "complete": number(sums["complete"]),
    }
