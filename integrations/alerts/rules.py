"""Which ends are worth an alert: docs/operations.md, "Alerts"."""

from __future__ import annotations

from collections.abc import Iterator

from integrations.jobs.outcomes import Decision
from integrations.models import Integration
from synclogs.alerts import Problem
from synclogs.critical import rule_for
from synclogs.models import AlertSeverity, Job, SyncLog, SyncStatus

SHARE_MIN_RECORDS = 20
MAX_FAILED_SHARE = 0.05
REPEATED_FAILURES = 3
PAUSING_FAILURES = 10


def failed_job(job: Job, decision: Decision) -> Problem:
    """A job that has failed for good is always critical: nobody tries it again by itself."""
    return Problem(
        rule=rule_for(decision.code),
        severity=AlertSeverity.CRITICAL,
        source=job.name,
        message=decision.message,
        error_code=decision.code,
        actionable_message=decision.actionable_message,
        account_id=job.account_id,
        integration_id=job.integration_id,
        context={"job": str(job.pk), "rule": decision.rule},
    )


def pauses(integration: Integration) -> bool:
    """Whether so many runs of a connection have failed in a row that it is paused: each tenth."""
    return integration.error_count > 0 and integration.error_count % PAUSING_FAILURES == 0


def repeated_failures(job: Job, integration: Integration) -> Iterator[Problem]:
    """From the third failed run of a connection in a row it is a warning; the tenth pauses it."""
    count = integration.error_count
    if count < REPEATED_FAILURES:
        return
    severity, text = AlertSeverity.WARNING, f"{integration} has failed {count} times in a row"
    if pauses(integration):
        severity, text = AlertSeverity.CRITICAL, f"{integration} has failed {count} times and is paused"
    yield Problem(
        rule="repeated_failures",
        severity=severity,
        source=job.name,
        message=text,
        error_code="repeated_failures",
        actionable_message="Look at its last runs; when the cause is gone, resume it and sync it by hand.",
        account_id=job.account_id,
        integration_id=integration.pk,
    )


def ended_run(run: SyncLog, source: str) -> Iterator[Problem]:
    """What is worth an alert about a run that did not fail."""
    counts = run.counts
    processed, failed = counts.processed, counts.failed
    if processed >= SHARE_MIN_RECORDS and failed > MAX_FAILED_SHARE * processed:
        yield Problem(
            rule="failed_share",
            severity=AlertSeverity.CRITICAL,
            source=source,
            message=f"{failed} of {processed} records could not be taken",
            error_code="failed_share",
            actionable_message="Read the run's issues: the vendor's data or its shape has changed.",
            account_id=run.account_id,
            integration_id=run.integration_id,
        )
    if run.sync_status == SyncStatus.WARNING and run.error_code == "unusual_zero":
        yield Problem(
            rule="unusual_zero",
            severity=AlertSeverity.WARNING,
            source=source,
            message=run.error_message,
            error_code="unusual_zero",
            actionable_message="Check the filter's name and the account's rights at the vendor.",
            account_id=run.account_id,
            integration_id=run.integration_id,
        )
