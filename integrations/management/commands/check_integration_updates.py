"""manage.py check_integration_updates"""

from __future__ import annotations

from typing import Any

from accounts.models import Account
from integrations.jobs.foreground import run_in_foreground
from integrations.polling.checker import CheckIntegrationUpdates, Summary, check_all
from synclogs.commands import CommandResult, ExitCode, OperatorCommand
from synclogs.models import JobStatus
from synclogs.progress import SilentReporter


class Command(OperatorCommand):
    """Start the polls that are due."""

    help = (
        "Looks which connections are due and queues their polls; the workers do the fetching. The schedule "
        "`check-integration-updates` does the same every minute: use cron only where it is not on. Exit "
        "codes: 0 done, 1 when a connection could not be looked at, 75 when a check is going on. Safe to "
        "repeat."
    )
    dry_run_help = "Say what would be started, and write nothing."

    def perform(self, **options: Any) -> CommandResult:
        """Look, in this process."""
        if options["dry_run"]:
            return _result(check_all(write=False))
        job, decision = run_in_foreground(
            CheckIntegrationUpdates,
            account=Account.objects.platform(),
            integration=None,
            args={},
            reporter=SilentReporter(),
        )
        if job.status != JobStatus.SUCCEEDED:
            return CommandResult.failed(decision.code or "failed", decision.message)
        return _result(CheckIntegrationUpdates.last)

    def show(self, result: CommandResult, **options: Any) -> None:
        """Two lines: what was started, and why the others were not."""
        counters = result.counters
        if not counters:
            return
        verb = "would be polled" if options["dry_run"] else "polls were started"
        number = counters["due"] if options["dry_run"] else counters["scheduled"]
        skipped = {k.removeprefix("skipped_"): n for k, n in counters.items() if k.startswith("skipped_")}
        self.out(
            f"{number} {verb}; {sum(skipped.values())} connections skipped, {counters['failed']} failed."
        )
        if skipped:
            self.out("skipped: " + ", ".join(f"{n} {reason}" for reason, n in skipped.items()))


def _result(summary: Summary) -> CommandResult:
    errors = [
        {
            "code": "check_failed",
            "message": f"connection {pk}: {text}",
            "account_id": None,
            "external_id": None,
        }
        for pk, text in summary.failed.items()
    ]
    return CommandResult(
        "partial" if errors else "ok",
        counters=summary.as_dict(),
        errors=errors,
        exit_code=ExitCode.FAILED if errors else ExitCode.DONE,
    )
