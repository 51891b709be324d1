"""manage.py servicetitan_process_scheduled_syncs"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from integrations.providers.servicetitan.config import DEFAULT_TIMEOUT, DataType
from integrations.providers.servicetitan.models import TitanEnvironment
from integrations.providers.servicetitan.pool import Task
from integrations.providers.servicetitan.reporting import SyncCommand, checked, positive
from integrations.providers.servicetitan.selection import Filters, scheduled_credentials
from synclogs.commands import CommandResult
from synclogs.models import SyncTrigger


class Command(SyncCommand):
    """Sync every ServiceTitan credential that is due, several at a time."""

    help = (
        "Syncs the ServiceTitan credentials that are due, in this process. Exit codes: 0 done, also when "
        "syncs failed (see --strict), 1 unexpected error, 2 wrong usage, 3 with --strict when a sync failed."
    )
    dry_run_help = "Say which credentials would be synced; call nobody and write nothing."
    starting = "Starting"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which credentials, what of them, how many at a time and for how long."""
        super().add_arguments(parser)
        parser.add_argument("-e", "--environment", choices=TitanEnvironment.values, help="Only this one.")
        parser.add_argument("-c", "--company-id", type=int, help="Only this account's credentials.")
        parser.add_argument(
            "--credential-id", type=UUID, help="Only this credential, due or not, if it is active."
        )
        parser.add_argument(
            "-d",
            "--data-type",
            choices=[data_type.value for data_type in DataType],
            default=DataType.BOTH.value,
            help="What to sync (default: both).",
        )
        parser.add_argument(
            "--max-concurrent", type=positive, default=3, help="Syncs at a time (default: 3)."
        )
        parser.add_argument(
            "-t",
            "--timeout",
            type=positive,
            default=DEFAULT_TIMEOUT,
            help="Seconds for each sync, from its own start (default: 3600).",
        )

    def perform(self, **options: Any) -> CommandResult:
        """Sync, or say what would be synced."""
        self.begin(options)
        data_type = checked(DataType, options, "data_type")
        credentials = scheduled_credentials(_filters(options))
        if not credentials:
            return self.nothing("No credentials found matching the criteria")
        self.say(f"Found {len(credentials)} credentials to process")
        if options["dry_run"]:
            return self.previewed(
                [f"Would sync {data_type} for {one.company} ({one.environment})" for one in credentials]
            )
        timeout = checked(positive, options, "timeout")
        tasks = [Task(one, data_type, SyncTrigger.SCHEDULED, timeout) for one in credentials]
        return self.work(tasks, checked(positive, options, "max_concurrent"))


def _filters(options: dict[str, Any]) -> Filters:
    """Read the limits. Raises UsageError."""
    given = {name for name in ("environment", "company_id", "credential_id") if options[name] is not None}
    return Filters(
        checked(_environment, options, "environment") if "environment" in given else None,
        checked(int, options, "company_id") if "company_id" in given else None,
        checked(_uuid, options, "credential_id") if "credential_id" in given else None,
    )


def _environment(value: object) -> str:
    return TitanEnvironment(str(value)).value


def _uuid(value: object) -> UUID:
    return UUID(str(value))
