"""Writing alerts in the transaction of the end that caused them, with the jobs that tell of them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from integrations.alerts import rules
from integrations.alerts.notify import NotifyAlert
from integrations.jobs.outcomes import Decision
from integrations.jobs.registry import UnknownJob, job_class
from integrations.models import Integration
from synclogs.alerts import report_problem, report_recovery
from synclogs.critical import count_worker_error, worker_name
from synclogs.models import Alert, AlertState, Job, JobStatus, SyncLog

RECOVERS_WITH_A_GOOD_RUN = (
    "credential_refused",
    "configuration",
    "database",
    "contract_violation",
    "dead_letter",
    "repeated_failures",
    "failed_share",
    "unusual_zero",
)


def job_failed(job: Job, run: SyncLog | None, decision: Decision) -> None:
    """Alert about a job that has failed for good, and about a connection that keeps failing."""
    worker = _worker(job)
    transaction.on_commit(lambda: count_worker_error(decision.error, worker))
    if job.name == NotifyAlert.name:
        return
    problems = [rules.failed_job(job, decision)]
    integration = Integration.objects.filter(pk=job.integration_id).first() if job.integration_id else None
    if integration is not None and run is not None:
        problems += rules.repeated_failures(job, integration)
        if rules.pauses(integration):
            Integration.objects.filter(pk=integration.pk).update(paused=True)
    for problem in problems:
        report_problem(problem, run=run, job=job)


def run_ended_well(job: Job, run: SyncLog) -> None:
    """Alert about what a run that did not fail has lost; recover what this connection had alerted before."""
    problems = list(rules.ended_run(run, job.name))
    for problem in problems:
        report_problem(problem, run=run, job=job)
    still_open = [problem.rule for problem in problems]
    over = Alert.objects.filter(
        source=job.name,
        account_id=job.account_id,
        integration=job.integration,
        rule__in=RECOVERS_WITH_A_GOOD_RUN,
    ).exclude(rule__in=still_open)
    report_recovery(over)


def recover_by_later_success() -> int:
    """Recover what jobs without a run of their own had alerted, once one of the same work has succeeded."""
    good = Job.objects.filter(
        Q(integration_id=OuterRef("integration_id"))
        | Q(integration__isnull=True, account_id=OuterRef("account_id")),
        Q(run__job__isnull=True) | ~Q(run__job=F("pk")),
        name=OuterRef("source"),
        status=JobStatus.SUCCEEDED,
        finished_at__gt=OuterRef("last_seen"),
    ).order_by()
    failed = Alert.objects.filter(state=AlertState.OPEN, rule__in=RECOVERS_WITH_A_GOOD_RUN)
    over = list(failed.filter(Exists(good)).values_list("pk", flat=True))
    return report_recovery(Alert.objects.filter(pk__in=over)) if over else 0


def _worker(job: Job) -> str:
    try:
        return worker_name(job_class(job.name))
    except UnknownJob:
        return job.name
