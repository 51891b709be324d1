"""Jobs: the list, the page of one with its attempts, and what an operator can do about it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter

from synclogs.admin import html, job_page
from synclogs.admin.base import signed_in_user
from synclogs.admin.filters import CreatedFilter, JobNameFilter, VisibleRelatedFilter
from synclogs.admin.job_cells import job_buttons, job_seconds, job_status, job_tries, job_when
from synclogs.admin.operate import OperableAdmin, Retry
from synclogs.admin.ports import operations, starters_for
from synclogs.admin.run_cells import run_url
from synclogs.admin.sentences import run_scope
from synclogs.admin.words import duration, humanized
from synclogs.models import Job, JobAttempt, JobStatus

ERROR_TONES = {JobStatus.FAILED: "bad", JobStatus.CANCELLED: "mute"}


@admin.register(Job)
class JobAdmin(OperableAdmin):
    """Every unit of background work, newest first."""

    list_display: ClassVar[Any] = (
        "what", "state", "of_run", "timing", "took", "on", "error", "buttons",
    )  # fmt: skip
    list_filter: ClassVar[Any] = (
        ("status", MultipleChoicesDropdownFilter),
        ("queue", MultipleChoicesDropdownFilter),
        JobNameFilter,
        CreatedFilter,
        ("integration", VisibleRelatedFilter),
    )
    search_fields = ("id", "name", "error_code", "error_message", "unique_key", "owner")
    search_help_text = "Search id, name, error or owner"
    list_select_related = ("run",)
    ordering = ("-created_at",)
    actions = ("retry_selected", "cancel_selected")
    detail_template = "admin/synclogs/job/detail.html"
    quick_filters = (
        ("Open", "status__exact=queued&status__exact=running&status__exact=retry_wait"),
        ("Failed", "status__exact=failed"),
    )
    empty_title = "No jobs yet"
    empty_text = "Press Sync now to queue one; schedules queue the others."

    def get_urls(self) -> list[URLPattern]:
        """The live answer, the retry and the cancellation, before Django's own."""
        return [
            self.read_path("<uuid:object_id>/live/", self.live_page, "live_page"),
            self.post_path("<uuid:object_id>/retry/", self.retry_view, "retry"),
            self.post_path("<uuid:object_id>/cancel/", self.cancel_view, "cancel"),
            *super().get_urls(),
        ]

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Without buttons for those who may only look."""
        columns = tuple(super().get_list_display(request))
        return columns if self.has_operate_permission(request) else columns[:-1]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with links to the pages that start syncs."""
        answer: HttpResponse = super().changelist_view(
            request, {"starters": starters_for(request), **(extra_context or {})}
        )
        return answer

    @admin.display(description="job", ordering="name")
    def what(self, job: Job) -> SafeString:
        """Its class, the beginning of its id, and where it waits."""
        return html.stacked(job.name, html.muted(f"{str(job.pk)[:8]} in {job.get_queue_display()}"))

    @admin.display(description="status", ordering="status")
    def state(self, job: Job) -> SafeString:
        """How it stands."""
        return job_status(job)

    @admin.display(description="run")
    def of_run(self, job: Job) -> SafeString:
        """The run it carries out."""
        if job.run is None:
            return html.EMPTY
        name = html.link(run_url(job.run), humanized(job.run.sync_type))
        return html.stacked(name, html.muted(run_scope(job.run)))

    @admin.display(description="when", ordering="run_at")
    def timing(self, job: Job) -> SafeString:
        """When it ended, runs or starts."""
        return job_when(job)

    @admin.display(ordering="duration_ms")
    def took(self, job: Job) -> SafeString:
        """For how long, and how often it failed and was started."""
        return html.stacked(duration(job_seconds(job)), html.muted(job_tries(job)))

    @admin.display(description="worker", ordering="owner")
    def on(self, job: Job) -> SafeString:
        """Who had it last."""
        return html.clipped(job.owner)

    @admin.display(ordering="error_code")
    def error(self, job: Job) -> SafeString:
        """What went wrong."""
        if not job.error_code:
            return html.EMPTY
        tone = ERROR_TONES.get(JobStatus(job.status), "warn")
        return html.label(job.error_code, tone, title=job.error_message)

    @admin.display(description="")
    def buttons(self, job: Job) -> SafeString:
        """What can be done."""
        return job_buttons(job)

    def retry_operation(self) -> Retry:
        """Queuing a job again."""
        return operations().retry_job

    def cancel_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """Cancel one job and show it."""
        job = self.operable(request, object_id)
        if job is None:
            return self.missing(request, object_id)
        self.cancel(request, job)
        return redirect(self.url_of(job))

    def cancel(self, request: HttpRequest, job: Job) -> None:
        """Cancel a job, or say why that makes no sense."""
        try:
            ended = operations().cancel_job(job)
        except operations().refusals as error:
            self.refused(request, f"Not cancelled: {error}")
            return
        message = f"{job} is cancelled." if ended else f"{job} will stop at its next batch."
        self.done(request, job, "Cancelled." if ended else "Asked to stop.", message)

    @admin.action(description="Retry selected jobs", permissions=["operate"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Queue the selected jobs again."""
        return self.retry_many(request, queryset.select_related("account", "integration"))

    @admin.action(description="Cancel selected jobs", permissions=["operate"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Cancel the selected jobs."""
        for job in queryset:
            self.cancel(request, job)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Visible jobs; the page of one needs the rows around it."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        if match is not None and "object_id" in match.kwargs:
            rows = rows.select_related("run", "account", "integration", "retry_of").prefetch_related(
                Prefetch("tries", JobAttempt.objects.order_by("number")), "retries"
            )
        return rows

    def detail(self, request: HttpRequest, obj: Job) -> dict[str, Any]:
        """What the page of a job shows."""
        live = reverse("admin:synclogs_job_live_page", args=[obj.pk]) if obj.is_open else ""
        return {
            **job_page.page(obj, signed_in_user(request)),
            "can_operate": self.has_operate_permission(request),
            "live_url": live,
        }

    def live_page(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """The changing pieces of one job's page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = self.found(request, object_id)
        if job is None:
            return JsonResponse({"open": False, "parts": {}}, status=404)
        context = job_page.page(job, signed_in_user(request)) | {
            "can_operate": self.has_operate_permission(request)
        }
        parts = {
            "job-head": render_to_string("admin/synclogs/job/head.html", context),
            "job-attempts": render_to_string("admin/synclogs/attempts.html", context),
        }
        return JsonResponse({"open": job.is_open, "parts": parts})
