"""Calendar days as the office counts them."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from django.utils import timezone

OFFICE = ZoneInfo("America/New_York")


def today() -> date:
    """The day it is now in New York, to which aggregates and snapshots belong."""
    return timezone.localdate(timezone=OFFICE)
