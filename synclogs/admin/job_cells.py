"""What lists and pages say of a job and of the tries at it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from synclogs.admin import html
from synclogs.admin.sentences import attempt_sentence
from synclogs.admin.words import clock, counted, duration
from synclogs.models import AttemptOutcome, Job, JobAttempt, JobStatus

TONES = {
    JobStatus.QUEUED: "mute",
    JobStatus.RUNNING: "info",
    JobStatus.RETRY_WAIT: "warn",
    JobStatus.SUCCEEDED: "ok",
    JobStatus.FAILED: "bad",
    JobStatus.CANCELLED: "mute",
}
ATTEMPT_TONES = {
    AttemptOutcome.RUNNING: "info",
    AttemptOutcome.SUCCEEDED: "ok",
    AttemptOutcome.FAILED: "bad",
    AttemptOutcome.POSTPONED: "warn",
    AttemptOutcome.CANCELLED: "mute",
    AttemptOutcome.LOST: "warn",
}
NOWRAP = "op-row op-nowrap"


def job_url(job: Job) -> str:
    """The address of a job's page."""
    return reverse("admin:synclogs_job_change", args=[job.pk])


def job_status(job: Job) -> SafeString:
    """The status in its color."""
    icon = "progress_activity" if job.status == JobStatus.RUNNING else ""
    return html.label(job.get_status_display(), TONES[JobStatus(job.status)], icon=icon)


def job_when(job: Job) -> SafeString:
    """When it ended, runs since, or starts, and why it waits."""
    if job.finished_at is not None and not job.is_open:
        return html.when(job.finished_at)
    if job.status == JobStatus.RUNNING:
        return html.joined([html.muted("since"), html.when(job.started_at)], NOWRAP)
    if job.run_at <= timezone.now():
        return html.joined([html.muted("due"), html.when(job.run_at)], NOWRAP)
    until = html.joined([html.muted("at"), clock(job.run_at), html.when(job.run_at)], NOWRAP)
    return html.stacked(until, html.clipped(job.wait_reason)) if job.wait_reason else until


def job_seconds(job: Job) -> float | None:
    """How long its last try took, or has been going on."""
    if job.status == JobStatus.RUNNING and job.started_at is not None:
        return (timezone.now() - job.started_at).total_seconds()
    return job.duration_ms / 1000 if job.duration_ms is not None else None


def job_tries(job: Job) -> str:
    """How often it failed, and was started since its last reported end."""
    parts = [counted(job.attempts, "failure")] if job.attempts else []
    if job.deliveries:
        parts.append(counted(job.deliveries, "start"))
    return ", ".join(parts)


def job_buttons(job: Job, *, form: str = "") -> SafeString:
    """The button that makes sense now: Retry for what failed or was cancelled, Cancel for what is open."""
    if job.is_open:
        if job.cancel_requested_at is not None:
            return html.muted("cancelling")
        url = reverse("admin:synclogs_job_cancel", args=[job.pk])
        return html.post_button("Cancel", url, tone="quiet", icon="close", form=form)
    if job.status in (JobStatus.FAILED, JobStatus.CANCELLED):
        url = reverse("admin:synclogs_job_retry", args=[job.pk])
        return html.post_button("Retry", url, tone="primary" if form else "", icon="replay", form=form)
    return html.EMPTY


def attempt_rows(attempts: Iterable[JobAttempt]) -> list[dict[str, Any]]:
    """Tries for the timeline: each with its color, one sentence, and what an error left behind."""
    return [
        {
            "attempt": attempt,
            "tone": ATTEMPT_TONES[AttemptOutcome(attempt.outcome)],
            "sentence": attempt_sentence(attempt),
            "started": html.when(attempt.started_at),
            "resources": _resources(attempt),
        }
        for attempt in attempts
    ]


def _resources(attempt: JobAttempt) -> str:
    parts = []
    if attempt.cpu_seconds is not None:
        parts.append(f"{duration(attempt.cpu_seconds)} of CPU")
    if attempt.max_rss_kb:
        parts.append(f"{attempt.max_rss_kb / 1024:,.0f} MB at most")
    return ", ".join(parts)
