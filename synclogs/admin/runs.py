"""Runs: the list, live while something runs, and their actions. The page of one run is in `run_page`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter

from synclogs.admin import html, run_cells, run_page
from synclogs.admin.filters import StartedFilter, TypeFilter, VisibleRelatedFilter
from synclogs.admin.operate import OperableAdmin, Retry
from synclogs.admin.ports import operations, starters_for
from synclogs.admin.sentences import run_scope, run_title
from synclogs.admin.words import humanized
from synclogs.models import SyncLog, SyncStatus

MAX_LIVE_RUNS = 200


@admin.register(SyncLog)
class RunAdmin(OperableAdmin):
    """Every run, newest first."""

    list_display: ClassVar[Any] = ("what", "status", "started", "took", "outcome", "again")
    list_filter: ClassVar[Any] = (
        ("sync_status", MultipleChoicesDropdownFilter),
        TypeFilter,
        ("sync_trigger", MultipleChoicesDropdownFilter),
        StartedFilter,
        ("integration", VisibleRelatedFilter),
    )
    search_fields = ("sync_type", "error_code", "error_message", "id")
    search_help_text = "Search type, error or id"
    list_select_related = ("triggered_by", "job", "integration")
    ordering = ("-started_at",)
    actions = ("retry_selected",)
    detail_template = "admin/synclogs/synclog/detail.html"
    quick_filters = (
        ("Running", "sync_status__exact=started"),
        ("Failed", "sync_status__exact=failed"),
        ("With warning", "sync_status__exact=warning"),
        ("Last 24 hours", "started_within=1"),
    )
    empty_title = "No runs yet"
    empty_text = "Press Sync now, or run `manage.py sync_circuits --status ALL`."

    def get_urls(self) -> list[URLPattern]:
        """The live answers and the retry, before Django's own."""
        return [
            self.read_path("live/", self.live_list, "live"),
            self.read_path("running/", self.live_running, "running"),
            self.read_path("<uuid:object_id>/live/", self.live_page, "live_page"),
            self.post_path("<uuid:object_id>/retry/", self.retry_view, "retry"),
            *super().get_urls(),
        ]

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Without the Retry buttons for those who may only look."""
        columns = tuple(super().get_list_display(request))
        return columns if self.has_operate_permission(request) else columns[:-1]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with what `live.js` asks for while a run of this page is running."""
        answer: HttpResponse = super().changelist_view(
            request, {"starters": starters_for(request), **(extra_context or {})}
        )
        context = getattr(answer, "context_data", None)
        if isinstance(answer, TemplateResponse) and context and "cl" in context:
            running = [run.pk for run in context["cl"].result_list if run.is_open]
            context["live_url"] = live_url(running)
        return answer

    @admin.display(description="run", ordering="sync_type")
    def what(self, run: SyncLog) -> SafeString:
        """What it syncs."""
        scope = run_scope(run)
        about = html.clipped(scope, tone="mute") if scope else ""
        return html.stacked(humanized(run.sync_type), run_cells.connection(run), about)

    @admin.display(ordering="sync_status")
    def status(self, run: SyncLog) -> SafeString:
        """How it stands."""
        return run_cells.cell(run, "status")

    @admin.display(ordering="started_at")
    def started(self, run: SyncLog) -> SafeString:
        """When, why, and by whom."""
        return html.stacked(html.when(run.started_at), html.muted(run_cells.trigger(run)))

    @admin.display(ordering="duration_seconds")
    def took(self, run: SyncLog) -> SafeString:
        """For how long."""
        return run_cells.cell(run, "took")

    @admin.display(description="records")
    def outcome(self, run: SyncLog) -> SafeString:
        """What it did, and what went wrong."""
        return run_cells.cell(run, "outcome")

    @admin.display(description="")
    def again(self, run: SyncLog) -> SafeString:
        """Do it again."""
        return run_cells.cell(run, "again")

    def retry_operation(self) -> Retry:
        """Doing a run again."""
        return operations().retry_run

    @admin.action(description="Retry selected runs", permissions=["operate"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[SyncLog]) -> HttpResponse | None:
        """Do the selected runs again."""
        return self.retry_many(request, queryset.select_related("job", "account", "integration"))

    def live_list(self, request: HttpRequest) -> JsonResponse:
        """How the runs `?run=<id>&run=<id>` stand now."""
        self._require_view(request)
        runs = self.get_queryset(request).select_related("job", "integration").filter(pk__in=_ids(request))
        operable = self.has_operate_permission(request)
        parts: dict[str, str] = {}
        for run in runs:
            parts |= run_cells.live_cells(run, operable=operable)
        return JsonResponse({"open": any(run.is_open for run in runs), "parts": parts})

    def live_running(self, request: HttpRequest) -> JsonResponse:
        """Whatever is running now, as one piece; it is never over, only asked for less often when idle."""
        self._require_view(request)
        running = running_runs(self.get_queryset(request))
        piece = render_to_string("admin/synclogs/running.html", {"running": running})
        return JsonResponse({"open": True, "every": 2000 if running else 10_000, "parts": {"running": piece}})

    def live_page(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """The changing pieces of one run's page."""
        self._require_view(request)
        run = self.found(request, str(object_id))
        if run is None:
            return JsonResponse({"open": False, "parts": {}}, status=404)
        context = run_page.head(run) | {"can_operate": self.has_operate_permission(request)}
        jobs = {"jobs": run_page.jobs_of(run)}
        parts = {
            "run-head": render_to_string("admin/synclogs/synclog/head.html", context),
            "run-jobs": render_to_string("admin/synclogs/jobs.html", jobs),
        }
        return JsonResponse({"open": run.is_open, "parts": parts})

    def title_of(self, obj: SyncLog) -> str:
        """What it syncs."""
        return run_title(obj)

    def detail(self, request: HttpRequest, obj: SyncLog) -> dict[str, Any]:
        """What the page of a run shows."""
        live = reverse("admin:synclogs_synclog_live_page", args=[obj.pk]) if obj.is_open else ""
        operable = self.has_operate_permission(request)
        return run_page.page(request, obj) | {"can_operate": operable, "live_url": live}

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncLog]:
        """Visible runs; the page of one needs the rows around it."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        if match is not None and "object_id" in match.kwargs:
            rows = rows.select_related("job", "account", "integration", "triggered_by", "retry_of")
        return rows

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def running_runs(runs: QuerySet[SyncLog]) -> list[dict[str, Any]]:
    """The runs that go on now, with the pieces that show them."""
    rows = (
        runs.filter(sync_status=SyncStatus.STARTED)
        .select_related("job", "integration")
        .order_by("-started_at")[:20]
    )
    return [{"run": run, "link": run_cells.run_link(run), **_pieces(run)} for run in rows]


def live_url(runs: Iterable[uuid.UUID]) -> str:
    """Where `live.js` asks how these runs stand; empty when there are none."""
    query = urlencode([("run", str(pk)) for pk in runs])
    return f"{reverse('admin:synclogs_synclog_live')}?{query}" if query else ""


def _pieces(run: SyncLog) -> dict[str, SafeString]:
    return {name: piece(run) for name, piece in run_cells.CELLS.items()}


def _ids(request: HttpRequest) -> list[uuid.UUID]:
    ids = []
    for text in request.GET.getlist("run")[:MAX_LIVE_RUNS]:
        try:
            ids.append(uuid.UUID(text))
        except ValueError:
            continue
    return ids
