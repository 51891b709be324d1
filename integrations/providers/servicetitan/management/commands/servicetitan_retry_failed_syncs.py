"""manage.py servicetitan_retry_failed_syncs"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from integrations.providers.servicetitan.config import DataType
from integrations.providers.servicetitan.pool import Task
from integrations.providers.servicetitan.reporting import SyncCommand, checked, positive
from integrations.providers.servicetitan.selection import failed_runs
from synclogs.commands import CommandResult
from synclogs.models import SyncTrigger


class Command(SyncCommand):
    """Try failed ServiceTitan syncs again, one after the other."""

    help = (
        "Tries failed ServiceTitan syncs again that nobody has retried and no later sync has made up for: "
        "the newest of each credential and data type, oldest first. A success takes a credential back that "
        "needs attention. Exit codes: 0 done, also when syncs failed (see --strict), 1 unexpected error, 2 "
        "wrong usage, 3 with --strict when a sync failed."
    )
    dry_run_help = "List what would be tried again; call nobody and write nothing."
    starting = "Retrying"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How old, how many, and whether refused credentials are tried."""
        super().add_arguments(parser)
        parser.add_argument(
            "-m", "--max-age", type=positive, default=24, help="Hours since the failure (default: 24)."
        )
        parser.add_argument(
            "--max-retries", type=positive, default=10, help="How many syncs to retry (default: 10)."
        )
        parser.add_argument(
            "--exclude-auth-errors", action="store_true", help="Leave refused credentials alone."
        )

    def perform(self, **options: Any) -> CommandResult:
        """Retry, or list what would be retried."""
        self.begin(options)
        found = failed_runs(
            max_age_hours=checked(positive, options, "max_age"),
            exclude_auth_errors=options["exclude_auth_errors"],
        )[: checked(positive, options, "max_retries")]
        if not found:
            return self.nothing("No failed syncs found to retry")
        self.say(f"Found {len(found)} failed syncs to retry")
        tasks = [
            Task(retry.credential, DataType(retry.run.sync_type), SyncTrigger.RETRY, retry_of=retry.run)
            for retry in found
        ]
        if options["dry_run"]:
            return self.previewed([_preview(task) for task in tasks])
        return self.work(tasks, max_concurrent=1)


def _preview(task: Task) -> str:
    credential = task.credential
    return f"Would retry {task.data_type} sync for {credential.company} ({credential.environment})"
