"""What the page of one run shows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest

from accounts.models import User
from synclogs.admin import html, run_cells
from synclogs.admin.base import signed_in_user
from synclogs.admin.job_cells import attempt_rows, job_status, job_url
from synclogs.admin.ports import run_links
from synclogs.admin.sentences import run_progress, run_sentence, run_title
from synclogs.admin.words import absolute, humanized, number
from synclogs.models import Job, JobAttempt, SyncLog, SyncStatus

ISSUES_PER_PAGE = 50
SHOWN_FIELDS = 15
COUNT_TONES = {"created": "ok", "updated": "info", "skipped": "warn", "failed": "bad", "removed": "warn"}


def page(request: HttpRequest, run: SyncLog) -> dict[str, Any]:
    """Everything on a run's page."""
    user = signed_in_user(request)
    return {
        **head(run),
        "facts": facts(run, user),
        "links": run_links(run, user),
        "changed_fields": changed_fields(run),
        "context_json": html.pretty_json(run.context),
        "checkpoint_json": html.pretty_json(run.checkpoint),
        "jobs": jobs_of(run),
        "retries": [
            {"link": run_cells.run_link(r), "status": run_cells.status(r)} for r in run.retries.all()
        ],
        **issues(request, run),
    }


def head(run: SyncLog) -> dict[str, Any]:
    """The part of the page that changes while the run goes on."""
    return {
        "run": run,
        "run_title": run_title(run),
        "status": run_cells.status(run),
        "sentence": run_sentence(run),
        "progress": run_progress(run),
        "counts": counts(run),
        "error_tone": "bad" if run.sync_status == SyncStatus.FAILED else "warn",
        "what_to_do": str(run.error_details.get("what_to_do") or ""),
    }


def counts(run: SyncLog) -> list[dict[str, Any]]:
    """Each count with its name, value and tone; a tone `zero` is dimmed."""
    values = run.counts.as_dict() | {name: value for name, value in run.extra_counts.items() if value}
    return [
        {
            "name": humanized(name),
            "value": number(value),
            "tone": COUNT_TONES.get(name, "plain") if value else "zero",
        }
        for name, value in values.items()
    ]


def facts(run: SyncLog, user: User) -> list[tuple[str, Any]]:
    """What is known of a run besides its outcome."""
    known = [
        ("Started", html.joined([html.when(run.started_at), html.muted(absolute(run.started_at))])),
        ("Trigger", run_cells.trigger(run)),
        ("Connection", html.row_link(run.integration, user)),
        ("Account", html.row_link(run.account, user)),
        ("Retry of", run_cells.run_link(run.retry_of) if run.retry_of else ""),
        ("Run id", str(run.pk)),
    ]
    if run.completed_at is not None:
        known.insert(1, ("Ended", html.when(run.completed_at)))
    return [(name, value) for name, value in known if value]


def changed_fields(run: SyncLog) -> list[dict[str, Any]]:
    """How often each field changed, most often first, with its share of the most frequent one in percent."""
    most = sorted(run.changed_fields.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_FIELDS]
    top = max((times for _, times in most), default=1) or 1
    return [
        {"name": humanized(name.removesuffix("_id")), "bar": html.bar(100 * times / top, text=number(times))}
        for name, times in most
    ]


def jobs_of(run: SyncLog) -> list[dict[str, Any]]:
    """The jobs of a run with their attempts and the jobs that retried them."""
    tries = Prefetch("tries", JobAttempt.objects.order_by("number"))
    retried = Prefetch("retries", Job.objects.order_by("created_at"))
    jobs = (
        Job.objects.filter(Q(pk=run.job_id) | Q(run=run))
        .prefetch_related(tries, retried)
        .order_by("created_at")
    )
    return [
        {
            "link": html.link(job_url(job), job),
            "status": job_status(job),
            "attempts": attempt_rows(job.tries.all()),
            "retries": [html.link(job_url(retry), retry) for retry in job.retries.all()],
        }
        for job in jobs
    ]


def issues(request: HttpRequest, run: SyncLog) -> dict[str, Any]:
    """One page of the records that a run left out (of one code with `?code=`), and how many of each."""
    codes = list(
        run.issues.order_by().values("error_code").annotate(n=Count("pk")).order_by("-n", "error_code")
    )
    wanted = request.GET.get("code", "")
    rows = run.issues.filter(error_code=wanted) if wanted else run.issues.all()
    paginator = Paginator(rows, ISSUES_PER_PAGE)
    shown = paginator.get_page(request.GET.get("page"))
    return {
        "issue_codes": codes,
        "issue_total": sum(code["n"] for code in codes),
        "issue_code": wanted,
        "issues": shown,
        "issue_pages": _with_gaps(paginator, shown.number),
    }


def _with_gaps(paginator: Paginator[Any], current: int) -> list[int | str]:
    """Page numbers around the current one and at both ends, with an ellipsis for those between."""
    last = paginator.num_pages
    near = sorted({1, last, *range(max(1, current - 2), min(last, current + 2) + 1)})
    pages: list[int | str] = [near[0]]
    for before, after in pairwise(near):
        pages += [after] if after == before + 1 else ["…", after]
    return pages
