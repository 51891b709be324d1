"""manage.py servicetitan_sync_status"""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from integrations.providers.servicetitan.reporting import checked
from integrations.providers.servicetitan.selection import recent_runs
from synclogs.commands import CommandResult, OperatorCommand, UsageError
from synclogs.commands.tables import table
from synclogs.models import SyncLog, SyncStatus

HEADINGS = (
    *("ID", "Company", "Data Type", "Status", "Started", "Completed"),
    *("Processed", "Successful", "Failed"),
)
EMPTY = "No sync operations found matching the criteria"


class Command(OperatorCommand):
    """List ServiceTitan's runs."""

    help = "Lists ServiceTitan's runs, newest first, with their totals. Exit code 0, or 2 for wrong usage."
    read_only = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which runs."""
        super().add_arguments(parser)
        parser.add_argument("-c", "--company-id", type=int, help="Only this account's runs.")
        parser.add_argument("-r", "--running-only", action="store_true", help="Only runs that go on.")
        parser.add_argument("-f", "--failed-only", action="store_true", help="Only runs that failed.")
        parser.add_argument("--last-24h", action="store_true", help="Only runs started in the last 24 hours.")

    def perform(self, **options: Any) -> CommandResult:
        """Read the runs."""
        if options["running_only"] and options["failed_only"]:
            raise UsageError("--running-only and --failed-only cannot be given together.")
        status = SyncStatus.STARTED if options["running_only"] else None
        runs = recent_runs(
            company_id=options["company_id"] and checked(int, options, "company_id"),
            status=SyncStatus.FAILED if options["failed_only"] else status,
            hours=24 if options["last_24h"] else None,
        )
        rows = [_row(run) for run in runs.iterator(chunk_size=2000)]
        return CommandResult(counters=_totals(rows), data={"runs": rows})

    def show(self, result: CommandResult, **options: Any) -> None:
        """The table and the totals."""
        rows = result.data["runs"]
        if not rows:
            self.out(EMPTY)
            return
        self.out(table(HEADINGS, [_cells(row) for row in rows]))
        self.out("")
        for name, value in result.counters.items():
            self.out(f"{name.replace('_', ' ').capitalize()}: {value}")


def _row(run: SyncLog) -> dict[str, Any]:
    counts = run.counts
    return {
        "id": str(run.pk),
        "company": run.account.name,
        "data_type": run.sync_type,
        "status": "running" if run.is_open else run.status_for_machines,
        "started": run.started_at,
        "completed": run.completed_at,
        "processed": counts.processed,
        "successful": counts.processed - counts.failed,
        "failed": counts.failed,
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    ended = "Running" if row["status"] == "running" else "-"
    completed = _clock(row["completed"]) if row["completed"] else ended
    names = ("id", "company", "data_type", "status")
    counts = ("processed", "successful", "failed")
    return (
        *(str(row[name]) for name in names),
        _clock(row["started"]),
        completed,
        *(str(row[name]) for name in counts),
    )


def _totals(rows: list[dict[str, Any]]) -> dict[str, int]:
    ends = Counter(row["status"] for row in rows)
    return {
        "total": len(rows),
        "running": ends["running"],
        "completed": ends["completed"] + ends["completed_with_warning"],
        "failed": ends["failed"],
        "records_processed": sum(row["processed"] for row in rows),
    }


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
