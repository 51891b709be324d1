"""The ledger: what ran, what it did, what could not be taken, and the work behind it."""

from synclogs.models.alert import Alert, AlertSeverity, AlertState
from synclogs.models.command_execution import CommandExecution, CommandStatus
from synclogs.models.issue import MAX_ISSUES_PER_RUN, SyncIssue
from synclogs.models.job import (
    OPEN_JOB_STATUSES,
    WAITING_JOB_STATUSES,
    AttemptOutcome,
    Job,
    JobAttempt,
    JobQueue,
    JobStatus,
)
from synclogs.models.live_event import LiveEvent
from synclogs.models.run_states import RunFenced, SyncAlreadyRunning, SyncPhase, SyncStatus, SyncTrigger
from synclogs.models.sync_log import SyncLog
from synclogs.models.worker import WorkerHeartbeat

__all__ = [
    "MAX_ISSUES_PER_RUN",
    "OPEN_JOB_STATUSES",
    "WAITING_JOB_STATUSES",
    "Alert",
    "AlertSeverity",
    "AlertState",
    "AttemptOutcome",
    "CommandExecution",
    "CommandStatus",
    "Job",
    "JobAttempt",
    "JobQueue",
    "JobStatus",
    "LiveEvent",
    "RunFenced",
    "SyncAlreadyRunning",
    "SyncIssue",
    "SyncLog",
    "SyncPhase",
    "SyncStatus",
    "SyncTrigger",
    "WorkerHeartbeat",
]
