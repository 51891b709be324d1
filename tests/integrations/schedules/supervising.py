"""A clock that tests move, and schedules to fire by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Account
from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from integrations.schedules import declared, firing
from integrations.schedules.declared import Schedule
from synclogs.models import Job, JobStatus

NEW_YORK = ZoneInfo("America/New_York")


@register_job
class SlotJob(BaseJob):
    """Does nothing."""

    name = "tests.slot"

    def handle(self) -> str | None:
        return None


def start(**args: Any) -> Job:
    return SlotJob.dispatch(account=Account.objects.platform(), args=args)


@pytest.fixture(autouse=True)
def _rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "_resting", {})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets New York's time for all who fire and load: `clock("2026-03-09 04:31")`."""
    now = [datetime(2026, 3, 5, 12, 0, tzinfo=NEW_YORK).astimezone(UTC)]

    class Clock:
        @staticmethod
        def now() -> datetime:
            return now[0]

    for module in ("firing", "loading"):
        monkeypatch.setattr(f"integrations.schedules.{module}.timezone", Clock)

    def set_time(text: str, fold: int = 0) -> None:
        now[0] = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC)

    return set_time


@pytest.fixture
def schedules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Schedule]:
    found = {
        "morning": Schedule("morning", "30 4 * * 1-5", lambda: start(which="morning"), ""),
        "afternoon": Schedule("afternoon", "30 16 * * 1-5", lambda: start(which="afternoon"), ""),
    }
    monkeypatch.setattr(declared, "_schedules", found)
    return found


def fired(since: int = 0) -> list[str]:
    """The slots that have a job, in New York's time."""
    slots = (
        Job.objects.exclude(schedule_slot=None).order_by("created_at").values_list("schedule_slot", flat=True)
    )
    return [
        f"{name} {datetime.fromisoformat(moment).astimezone(NEW_YORK):%a %m-%d %H:%M}"
        for name, _, moment in (str(slot).partition(" ") for slot in slots)
    ][since:]


def finish() -> None:
    Job.objects.update(status=JobStatus.SUCCEEDED)
