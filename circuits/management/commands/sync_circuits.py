"""manage.py sync_circuits"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from circuits import services
from circuits.preview import Preview
from circuits.reporting import STATUS_HELP, read_statuses, run_result, run_summary
from circuits.statuses import ApiStatus
from synclogs.commands import CommandResult, OperatorCommand, reporter_for
from synclogs.models import SyncTrigger

SHOWN_CHANGES = 20


class Command(OperatorCommand):
    """Sync circuits from WorkStudio in this process."""

    help = (
        "Fetches the circuits of the given statuses from WorkStudio and takes them in, in this process. "
        "Exit codes: 0 done (also with records left out, which are listed as issues), 1 failed, 2 "
        "wrong usage, 75 a circuit sync is running already. Safe to repeat: what is unchanged is not written."
    )
    dry_run_help = (
        "Fetch, show what would be created, changed (which fields) and left alone, and write nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which statuses."""
        super().add_arguments(parser)
        parser.add_argument(
            "--status",
            nargs="+",
            action="extend",
            metavar="STATUS",
            help=f"Statuses to sync (default: ACTIV): {STATUS_HELP}",
        )
        parser.add_argument(
            "--trigger",
            choices=(SyncTrigger.MANUAL, SyncTrigger.SCHEDULED),
            default=SyncTrigger.MANUAL,
            help="What to record as the reason of the run; use scheduled in cron (default: manual).",
        )

    def perform(self, **options: Any) -> CommandResult:
        """Sync or preview."""
        statuses = read_statuses(options["status"], (ApiStatus.ACTIV,))
        with reporter_for("circuits", quiet=options["quiet"], as_json=options["json"]) as reporter:
            if options["dry_run"]:
                return _preview_result(Preview.of(services.preview_circuits(statuses), reporter))
            job, decision = services.sync_circuits_now(statuses, reporter, trigger=options["trigger"])
        return run_result(job, decision)

    def show(self, result: CommandResult, **options: Any) -> None:
        """One line on what became of the run; a dry run's changes in full."""
        if result.run is not None:
            self.out(run_summary(result.run, "circuits"))
        elif "changes" in result.data:
            self._show_preview(result)

    def _show_preview(self, result: CommandResult) -> None:
        counters = result.counters
        self.out(
            f"Dry run, nothing written: {counters['would_create']} would be created, "
            f"{counters['would_update']} changed, {counters['unchanged']} left alone, "
            f"{counters['refused']} cannot be taken."
        )
        for change in result.data["changes"][:SHOWN_CHANGES]:
            self.out(f"  {change['work_order']:<20} {change['title'][:40]:<40} {', '.join(change['fields'])}")
        more = counters["would_update"] - SHOWN_CHANGES
        if more > 0:
            self.out(f"  … and {more} more; --json lists up to {len(result.data['changes'])}.")
        for refused in result.data["refused"]:
            name = refused["source_id"] or f"row {refused['index']}"
            self.out(f"  cannot be taken: {name}: {refused['message']}")


def _preview_result(preview: Preview) -> CommandResult:
    return CommandResult(
        action="dry_run",
        counters=preview.counters(),
        data={"changes": preview.changes, "refused": preview.refused},
    )
