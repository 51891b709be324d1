"""manage.py create_daily_snapshots"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from circuits import services
from circuits.days import today
from circuits.reporting import run_result, run_summary
from synclogs.commands import CommandResult, OperatorCommand, UsageError, reporter_for
from synclogs.models import SyncTrigger


class Command(OperatorCommand):
    """Take the daily snapshots of circuits in this process."""

    help = (
        "Takes a snapshot of every circuit that is not closed, deleted or left out of reports, unless it has "
        "one of that day already. Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage, 75 snapshots "
        "are being taken already."
    )
    dry_run_help = "Show how many snapshots are missing and write nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which day."""
        super().add_arguments(parser)
        parser.add_argument(
            "--date",
            metavar="YYYY-MM-DD",
            help="The day to file them under (default: today in New York); they show how things stand now.",
        )
        parser.add_argument(
            "--trigger",
            choices=(SyncTrigger.MANUAL, SyncTrigger.SCHEDULED),
            default=SyncTrigger.MANUAL,
            help="What to record as the reason of the run; use scheduled in cron (default: manual).",
        )

    def perform(self, **options: Any) -> CommandResult:
        """Snap or count."""
        day = _day(options["date"])
        if options["dry_run"]:
            missing, there = services.preview_daily_snapshots(day)
            counters = {"processed": missing + there, "would_create": missing, "skipped": there}
            return CommandResult(action="dry_run", counters=counters)
        with reporter_for("circuits", quiet=options["quiet"], as_json=options["json"]) as reporter:
            job, decision = services.create_daily_snapshots_now(day, reporter, trigger=options["trigger"])
        return run_result(job, decision)

    def show(self, result: CommandResult, **options: Any) -> None:
        """One line."""
        if result.run is not None:
            self.out(run_summary(result.run, "circuits"))
        elif "would_create" in result.counters:
            counters = result.counters
            self.out(
                f"Dry run, nothing written: {counters['would_create']} snapshots would be taken, "
                f"{counters['skipped']} are there."
            )


def _day(text: str | None) -> date | None:
    """The day of a command line. Raises UsageError for what is no day, or one that has not come yet."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--date takes a day such as 2026-03-01, not {text!r}") from None
    if day > today():
        raise UsageError(f"{day} has not come yet in New York")
    return day
