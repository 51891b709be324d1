"""manage.py prune"""

from __future__ import annotations

from typing import Any

from integrations.retention.prune import count_past, prune
from synclogs.commands import CommandResult, ExitCode, OperatorCommand


class Command(OperatorCommand):
    """Delete rows past their retention."""

    help = (
        "Deletes jobs, runs, records of commands, recovered alerts and live events that are older than the "
        "RETENTION_... settings say. Open jobs, runs and alerts stay, and what an open alert points to. The "
        "workers do the same once a day by the schedule `prune`. Exit codes: 0 done, 1 when a table could "
        "not be pruned. Safe to repeat and to interrupt."
    )
    dry_run_help = "Count what would be deleted and write nothing."

    def perform(self, **options: Any) -> CommandResult:
        """Prune, or count."""
        pruned = count_past() if options["dry_run"] else prune()
        if not pruned.errors:
            return CommandResult(counters=pruned.rows)
        tables = ", ".join(f"{name} ({error})" for name, error in sorted(pruned.errors.items()))
        result = CommandResult.failed("database", f"could not be pruned: {tables}", ExitCode.FAILED)
        result.status = "partial"
        result.counters = pruned.rows
        return result

    def show(self, result: CommandResult, **options: Any) -> None:
        """One line."""
        verb = "Would delete" if options["dry_run"] else "Deleted"
        rows = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in result.counters.items())
        self.out(f"{verb}: {rows}.")
