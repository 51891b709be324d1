"""Looking for what is wrong with the queue and the connections, and saying so once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from integrations.models import Integration
from integrations.polling.health import Finding, Health, health
from synclogs.alerts import Problem, report_problem, report_recovery
from synclogs.models import Alert, AlertSeverity, AlertState, Job

SOURCE = "integrations monitor"
ADVICE = {
    "pending": "Check that workers run (`manage.py queue status`).",
    "stale": "Check that workers serve the queue of the oldest job (`manage.py queue pending`).",
    "failed_jobs": "Read `manage.py queue failed`; when the cause is gone, `queue retry --all`.",
    "stuck": "Read `manage.py integrations check --stuck`: cancel their runs or stop their workers.",
    "errors": "Read `manage.py integrations check --errors`.",
    "success_rate": "Read `manage.py queue failed` for what most of them say.",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these somebody is needed: jobs due, and seconds that the oldest of them has waited."""

    pending: int = 50
    stale_s: float = 300.0


def find(limits: Limits) -> tuple[Health, list[Finding]]:
    """The numbers of everything, and what is wrong with them."""
    numbers = health(Integration.objects.all(), Job.objects.all())
    return numbers, list(_issues(numbers, limits))


def _issues(numbers: Health, limits: Limits) -> Iterator[Finding]:
    if numbers.pending > limits.pending:
        text = f"{numbers.pending} jobs are due (limit {limits.pending})"
        yield Finding("pending", "warning", text)
    if numbers.oldest_pending_s > limits.stale_s:
        text = (
            f"the oldest due job has waited {numbers.oldest_pending_s:.0f} s (limit {limits.stale_s:.0f} s)"
        )
        yield Finding("stale", "warning", text)
    if numbers.failed:
        yield Finding("failed_jobs", "warning", f"{numbers.failed} jobs have failed and nobody retried them")
    if numbers.stuck:
        yield Finding(
            "stuck", "critical", f"{numbers.stuck} connections have been processing for over 30 min"
        )
    if numbers.errors:
        yield Finding("errors", "warning", f"{numbers.errors} connections failed within the last hour")
    if numbers.success != "ok":
        severity = "critical" if numbers.success == "bad" else "warning"
        text = f"{numbers.success_rate:.0%} of the jobs of the last 24 hours succeeded"
        yield Finding("success_rate", severity, text)


def notify(found: list[Finding]) -> None:
    """An alert for each finding, told at most once within the cool-down; those that are over recover."""
    problems = [_problem(each) for each in found]
    for problem in problems:
        report_problem(problem)
    ours = Alert.objects.filter(source=SOURCE, state=AlertState.OPEN)
    report_recovery(ours.exclude(fingerprint__in=[problem.fingerprint for problem in problems]))


def _problem(finding: Finding) -> Problem:
    return Problem(
        rule="integrations",
        severity=AlertSeverity(finding.severity),
        source=SOURCE,
        message=finding.message,
        error_code=finding.code,
        actionable_message=ADVICE[finding.code],
    )
