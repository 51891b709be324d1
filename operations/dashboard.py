"""The admin's first page: what runs, what failed, what waits, what needs a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import User
from circuits.admin import summary
from circuits.models import UnlinkedPlanner
from synclogs.admin import html, job_cells, run_cells
from synclogs.admin.alert_cells import TONES as ALERT_TONES
from synclogs.admin.alert_cells import visible_alerts
from synclogs.admin.base import signed_in_user
from synclogs.admin.ports import starters_for
from synclogs.admin.runs import running_runs
from synclogs.admin.words import number
from synclogs.models import AlertSeverity, AlertState, Job, JobStatus, SyncLog, SyncStatus

RECENT_RUNS = 10
LONG_WAIT = timedelta(minutes=5)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the first page shows this user: only what they may look at."""
    user = signed_in_user(request)
    context |= {"title": "Dashboard", "starters": starters_for(request)}
    if user.has_perm("synclogs.view_synclog"):
        context |= runs(SyncLog.objects.visible_to(user))
    if user.has_perm("synclogs.view_job"):
        context |= jobs(Job.objects.visible_to(user))
    if user.has_perm("synclogs.view_alert"):
        context |= alerts(user)
    if user.has_perm("circuits.view_circuit"):
        context |= circuits(user)
    if user.has_perm("circuits.view_unlinkedplanner"):
        context["unlinked_planners"] = UnlinkedPlanner.objects.filter(linked_to_user__isnull=True).count()
        context["unlinked_url"] = reverse("admin:circuits_unlinkedplanner_changelist")
    return context


def runs(visible: QuerySet[SyncLog]) -> dict[str, Any]:
    """Today's runs by status, those running now, and the newest ones."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    today = dict(
        visible.filter(started_at__gte=midnight).order_by().values_list("sync_status").annotate(Count("pk"))
    )
    recent = visible.select_related("triggered_by", "job", "integration").order_by("-started_at")[
        :RECENT_RUNS
    ]
    return {
        "runs_url": reverse("admin:synclogs_synclog_changelist"),
        "running_url": reverse("admin:synclogs_synclog_running"),
        "runs_today": number(sum(today.values())),
        "runs_by_status": [_run_status(status, today.get(status.value, 0)) for status in SyncStatus],
        "running": running_runs(visible),
        "recent_runs": [_recent(run) for run in recent],
    }


def jobs(visible: QuerySet[Job]) -> dict[str, Any]:
    """Failed jobs that nobody has retried, and the job that has waited longest although it is due."""
    failed = visible.filter(status=JobStatus.FAILED, retries__isnull=True)
    due = visible.filter(status__in=(JobStatus.QUEUED, JobStatus.RETRY_WAIT), run_at__lte=timezone.now())
    oldest = due.order_by("run_at").first()
    list_url = reverse("admin:synclogs_job_changelist")
    return {
        "failed_jobs": failed.count(),
        "failed_url": f"{list_url}?{urlencode({'status__exact': JobStatus.FAILED.value})}",
        "open_jobs": number(visible.filter(status__in=(JobStatus.QUEUED, JobStatus.RETRY_WAIT)).count()),
        "jobs_url": list_url,
        "oldest": None if oldest is None else _oldest(oldest),
    }


def alerts(user: User) -> dict[str, Any]:
    """Open alerts by severity, and how many of them nobody has taken note of."""
    count = {"n": Count("pk"), "free": Count("pk", filter=Q(acknowledged_at__isnull=True))}
    opened = visible_alerts(user).filter(state=AlertState.OPEN).order_by()
    columns = ("severity", "n", "free")
    rows = opened.values("severity").annotate(**count).values_list(*columns)
    found: dict[str, tuple[int, int]] = {severity: (n, free) for severity, n, free in rows}
    list_url = reverse("admin:synclogs_alert_changelist")
    open_url = f"{list_url}?{urlencode({'state__exact': AlertState.OPEN.value})}"
    worst = next((severity for severity in reversed(AlertSeverity) if severity in found), None)
    return {
        "alerts_url": open_url,
        "open_alerts": number(sum(n for n, _ in found.values())),
        "alerts_tone": ALERT_TONES[worst] if worst else "plain",
        "unacknowledged": sum(free for _, free in found.values()),
        "alerts_by_severity": [
            {
                "label": severity.label,
                "count": number(found[severity][0]),
                "tone": ALERT_TONES[severity],
                "url": f"{open_url}&{urlencode({'severity__exact': severity.value})}",
            }
            for severity in reversed(AlertSeverity)
            if severity in found
        ],
    }


def circuits(user: User) -> dict[str, Any]:
    """Circuits by status."""
    return {
        "circuits_url": reverse("admin:circuits_circuit_changelist"),
        "circuit_statuses": summary.statuses(user),
    }


def _run_status(status: SyncStatus, count: int) -> dict[str, Any]:
    tone = run_cells.TONES[status] if count else "zero"
    query = urlencode({"sync_status__exact": status.value, "started_within": "1"})
    url = f"{reverse('admin:synclogs_synclog_changelist')}?{query}"
    return {"label": status.label, "count": number(count), "tone": tone, "url": url}


def _recent(run: SyncLog) -> dict[str, Any]:
    return {
        "link": run_cells.run_link(run),
        "status": run_cells.cell(run, "status"),
        "trigger": run_cells.trigger(run),
        "started": html.when(run.started_at),
        "took": run_cells.cell(run, "took"),
        "outcome": run_cells.cell(run, "outcome"),
    }


def _oldest(job: Job) -> dict[str, Any]:
    late = timezone.now() - job.run_at > LONG_WAIT
    return {
        "link": html.link(job_cells.job_url(job), job),
        "since": html.when(job.run_at),
        "tone": "warn" if late else "plain",
        "hint": "Nobody takes it: check that workers run." if late else "",
    }
