"""Short ways to sync, to call the commands, and to make runs."""

from __future__ import annotations

from io import StringIO
from typing import Any, NamedTuple

from django.core.management import call_command

from integrations.models import SyncCursor
from integrations.providers.servicetitan.config import DataType, SyncConfiguration, SyncResult
from integrations.providers.servicetitan.models import ServiceTitanCredential
from integrations.providers.servicetitan.services import ServiceTitanIntegrationService
from synclogs.models import SyncLog
from tests.factories import SyncLogFactory

EXPORT = "export/"
COMMAND = "servicetitan_process_scheduled_syncs"
FIVE_KEYS = [
    "total_credentials",
    "successful_syncs",
    "failed_syncs",
    "total_records_processed",
    "execution_time_seconds",
]


def sync(credential: ServiceTitanCredential, data_type: str = "both", **config: Any) -> SyncResult:
    """Sync in this process, incrementally unless told otherwise."""
    chosen = {"incremental_only": True, **config}
    return ServiceTitanIntegrationService().synchronize_data(
        credential, SyncConfiguration(DataType(data_type), **chosen)
    )


def counts(result: SyncResult) -> dict[str, int]:
    """What is not zero."""
    found = result.sync_log.counts.as_dict()
    return {name: value for name, value in found.items() if value and name != "processed"}


def last_run() -> SyncLog:
    return SyncLog.objects.latest("started_at")


def cursor(credential: ServiceTitanCredential, stream: str) -> SyncCursor:
    return SyncCursor.objects.get(integration=credential.integration, stream=stream, partition="")


def customer(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "active": True,
        "name": f"Customer {number}",
        "modifiedOn": "2024-05-02T11:22:33Z",
        **fields,
    }


class Said(NamedTuple):
    """What a command printed, and how it ended."""

    out: str
    err: str
    code: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def run(*args: str, command: str = COMMAND, **options: Any) -> Said:
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command(command, *args, stdout=out, stderr=err, **options)
    except SystemExit as error:
        code = int(error.code or 0)
    return Said(out.getvalue(), err.getvalue(), code)


def make_run(credential: ServiceTitanCredential, sync_type: str = "both", **fields: Any) -> SyncLog:
    """A run of ServiceTitan; `failed=True` and the factory's other traits apply."""
    log: SyncLog = SyncLogFactory(
        account=credential.account,
        integration=credential.integration,
        provider="servicetitan",
        sync_type=sync_type,
        context={},
        **fields,
    )
    return log
