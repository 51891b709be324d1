"""What the page of one job shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from synclogs.admin import html
from synclogs.admin.job_cells import attempt_rows, job_buttons, job_seconds, job_status, job_tries, job_url
from synclogs.admin.run_cells import run_link
from synclogs.admin.sentences import job_advice
from synclogs.admin.words import absolute, duration
from synclogs.models import Job, JobStatus


def page(job: Job, user: User) -> dict[str, Any]:
    """Everything on a job's page."""
    tries = list(job.tries.all())
    retries = list(job.retries.all())
    return {
        "job": job,
        "status": job_status(job),
        "advice": job_advice(
            job, last=tries[-1] if tries else None, retried_as=retries[0] if retries else None
        ),
        "buttons": job_buttons(job, form="operate-form"),
        "error_tone": "bad" if job.status == JobStatus.FAILED else "warn",
        "facts": [(name, value) for name, value in facts(job, user) if value],
        "attempts": attempt_rows(tries),
        "retries": [html.joined([html.link(job_url(retry), retry), job_status(retry)]) for retry in retries],
        "args_json": html.pretty_json(job.args),
    }


def facts(job: Job, user: User) -> list[tuple[str, Any]]:
    """What is known of a job; values that are not are empty."""
    return [
        ("Run", run_link(job.run) if job.run else ""),
        ("Queue", job.get_queue_display()),
        ("Tries", job_tries(job)),
        ("Created", _moment(job.created_at)),
        ("Due", _moment(job.run_at) if job.is_open else ""),
        ("Started", _moment(job.started_at)),
        ("Ended", _moment(job.finished_at) if not job.is_open else ""),
        ("Took", duration(job_seconds(job))),
        ("Postponed for", duration(job.postponed_s) if job.postponed_s else ""),
        ("Worker", job.owner),
        ("Lease until", _moment(job.lease_until)),
        ("Connection", html.row_link(job.integration, user)),
        ("Account", html.row_link(job.account, user)),
        ("Retry of", html.link(job_url(job.retry_of), job.retry_of) if job.retry_of else ""),
        ("Schedule slot", job.schedule_slot),
        ("Same work as", job.unique_key),
        ("Job id", str(job.pk)),
    ]


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return html.joined([html.when(moment), html.muted(absolute(moment))])
