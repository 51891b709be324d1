"""WorkStudio's job statuses, and the board's own stages."""

from __future__ import annotations

from django.db import models


class ApiStatus(models.TextChoices):
    """The statuses that are synced, as WorkStudio spells them. Copied from it, never decided here."""

    ACTIV = "ACTIV", "In progress"
    QC = "QC", "Quality control"
    REWRK = "REWRK", "Rework"
    CLOSE = "CLOSE", "Closed"


STATUS_ALIASES = {"REWORK": ApiStatus.REWRK, "CLOSED": ApiStatus.CLOSE, "ACTIVE": ApiStatus.ACTIV}

FILTER_CAPTIONS = {
    ApiStatus.ACTIV: "In Progress",
    ApiStatus.QC: "QC",
    ApiStatus.REWRK: "Rework",
    ApiStatus.CLOSE: "Closed",
}


class WorkflowStage(models.TextChoices):
    """Where a card stands on the local board. A sync never moves it."""

    ACTIVE = "active", "Active"
    PENDING_PERMISSIONS = "pending_permissions", "Pending permissions"
    QC = "qc", "QC"
    REWORK = "rework", "Rework"
    CLOSED = "closed", "Closed"


def parse_api_status(text: str) -> ApiStatus:
    """Read a status as a person types it: any case, `REWORK` and `CLOSED` accepted.

    Raises ValueError naming the statuses that exist. A wrong code would give zero rows and no error.
    """
    code = text.strip().upper()
    code = STATUS_ALIASES.get(code, code)
    try:
        return ApiStatus(code)
    except ValueError:
        known = ", ".join(ApiStatus.values)
        raise ValueError(f"unknown status {text!r}; choose from {known}") from None
