"""manage.py sync_circuit_aggregates"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from circuits import services
from circuits.aggregates.selection import DEFAULT_STATUSES, Wanted
from circuits.reporting import STATUS_HELP, read_statuses, run_result, run_summary
from synclogs.commands import CommandResult, OperatorCommand, reporter_for
from synclogs.counts import Counts
from synclogs.models import SyncTrigger
from synclogs.progress import Reporter

SHOWN = 20


class Command(OperatorCommand):
    """Fetch planned units from WorkStudio in this process and keep their sums."""

    help = (
        "Fetches the planned units of circuits from WorkStudio, once a work order, and keeps their sums; "
        "single units are not stored. Circuits fetched within the last twelve hours are left alone unless "
        "--force is given. Exit codes: 0 done, 1 failed, 2 wrong usage, 75 planned units are being fetched "
        "already."
    )
    dry_run_help = "Fetch, show which circuits would get new numbers, and write nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which circuits."""
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--circuit", nargs="+", action="extend", type=int, metavar="ID", help="Ids of circuits to take."
        )
        which.add_argument(
            "--status",
            nargs="+",
            action="extend",
            metavar="STATUS",
            help=f"Statuses to take (default: ACTIV QC REWRK): {STATUS_HELP}",
        )
        parser.add_argument(
            "--force", action="store_true", help="Take circuits that were fetched lately too."
        )
        parser.add_argument(
            "--trigger",
            choices=(SyncTrigger.MANUAL, SyncTrigger.SCHEDULED),
            default=SyncTrigger.MANUAL,
            help="What to record as the reason of the run; use scheduled in cron (default: manual).",
        )

    def perform(self, **options: Any) -> CommandResult:
        """Fetch or preview."""
        wanted = Wanted(
            tuple(options["circuit"] or ()),
            tuple(read_statuses(options["status"], DEFAULT_STATUSES)),
            options["force"],
        )
        with reporter_for("circuits", quiet=options["quiet"], as_json=options["json"]) as reporter:
            if options["dry_run"]:
                return _preview(wanted, reporter)
            job, decision = services.sync_aggregates_now(wanted, reporter, trigger=options["trigger"])
        return run_result(job, decision)

    def show(self, result: CommandResult, **options: Any) -> None:
        """One line on what became of the run; a dry run's circuits in full."""
        if result.run is not None:
            self.out(run_summary(result.run, "circuits"))
        elif "changes" in result.data:
            counters = result.counters
            self.out(
                f"Dry run, nothing written: {counters['would_write']} circuits would get new numbers, "
                f"{counters['unchanged']} are unchanged, {counters['skipped']} splits have no units, "
                f"{counters['failed']} could not be fetched."
            )
            for change in result.data["changes"][:SHOWN]:
                self.out(
                    f"  {change['work_order']:<20} {change['extension']:<5} {change['total_units']:>6} units"
                )


def _preview(wanted: Wanted, reporter: Reporter) -> CommandResult:
    counters = dict.fromkeys(("processed", "would_write", "unchanged", "skipped", "failed"), 0)
    changes: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    for fetched, difference in services.preview_aggregates(wanted):
        order = fetched.work_order
        to_write = difference.created + difference.updated
        counters["processed"] += len(order.circuits)
        counters["would_write"] += len(to_write)
        counters["unchanged"] += len(difference.unchanged)
        counters["skipped"] += len(difference.skipped)
        if fetched.error is not None:
            counters["failed"] += len(order.circuits)
            failures.append({"work_order": order.number, "message": str(fetched.error)})
        for one in to_write:
            changes.append(
                {
                    "circuit": one.circuit.pk,
                    "work_order": order.number,
                    "extension": one.circuit.extension,
                    "total_units": (one.numbers or {})["total_units"],
                }
            )
        reporter.advance(Counts(unchanged=len(order.circuits)))
    data = {"changes": changes, "not_fetched": failures}
    return CommandResult("partial" if failures else "ok", counters, action="dry_run", data=data)
