"""What the engine does for itself, whatever vendors there are: alerts, checks, pruning."""

from __future__ import annotations

from accounts.models import Account
from integrations.alerts import wiring
from integrations.alerts.check_job import CheckQueueJob
from integrations.polling import connecting
from integrations.polling.checker import CheckIntegrationUpdates
from integrations.retention.job import PruneJob
from integrations.schedules import declared
from integrations.schedules.declared import Schedule
from synclogs.models import Job


def _check_queue() -> Job:
    return CheckQueueJob.dispatch(account=Account.objects.platform())


def _check_connections() -> Job:
    return CheckIntegrationUpdates.dispatch(account=Account.objects.platform())


def _prune() -> Job:
    return PruneJob.dispatch(account=Account.objects.platform())


SCHEDULES = (
    Schedule("check-queue", "*/5 * * * *", _check_queue, "alerts about the queue"),
    Schedule(
        "check-integration-updates", "* * * * *", _check_connections, "polls of connections that are due"
    ),
    Schedule("prune", "15 3 * * *", _prune, "rows past their retention"),
)


def connect() -> None:
    """Plug the alerts in and declare the schedules; called once when the app is ready."""
    wiring.connect()
    connecting.connect()
    declared.declare(*SCHEDULES)
