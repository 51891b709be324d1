"""Payloads: what was fetched or received, chunk by chunk, and processing it again."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import orjson
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from integrations.jobs.registry import UnknownJob
from integrations.jobs.staged.replay import replay
from integrations.models import RawPayload
from synclogs.admin import html
from synclogs.admin.base import ReadOnlyAdmin, VisibleOnly, signed_in_user
from synclogs.admin.filters import AgeFilter, ValuesFilter, VisibleRelatedFilter
from synclogs.admin.operate import OPERATE, to_job
from synclogs.admin.words import counted, humanized
from synclogs.models import Job, SyncTrigger

SHOWN_ITEMS = 20


class KindFilter(ValuesFilter):
    """Payloads of one kind."""

    title = "kind"
    parameter_name = "kind"


class ReceivedFilter(AgeFilter):
    """Payloads received lately."""

    title = "receipt"
    parameter_name = "received_within"
    field = "received_at"


@admin.register(RawPayload)
class RawPayloadAdmin(VisibleOnly, ReadOnlyAdmin):
    """Every stored chunk, newest first."""

    list_display: ClassVar[Any] = ("what", "connection", "of_run", "state", "size", "received", "kept_until")
    list_filter: ClassVar[Any] = (
        ("processed_at", admin.EmptyFieldListFilter),
        KindFilter,
        ReceivedFilter,
        ("integration", VisibleRelatedFilter),
    )
    search_fields = ("id", "sha256", "run__id")
    search_help_text = "Search id, run or digest"
    list_select_related = ("integration", "run", "account")
    ordering = ("-received_at",)
    actions = ("replay_selected",)
    detail_template = "admin/integrations/payload.html"
    quick_filters = (("Not processed", "processed_at__isempty=1"),)
    empty_title = "No payloads"
    empty_text = "Polls and webhooks of connections with events leave them here; they are kept for a while."

    def get_urls(self) -> list[URLPattern]:
        """Processing one again, before Django's own."""
        return [
            self.post_path("<uuid:object_id>/replay/", self.replay_view, "replay"),
            *super().get_urls(),
        ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this user may have payloads processed again."""
        return request.user.has_perm(OPERATE) and self.has_view_permission(request)

    @admin.display(description="payload", ordering="kind")
    def what(self, payload: RawPayload) -> SafeString:
        """What is in it."""
        return html.stacked(humanized(payload.kind), html.muted(str(payload.pk)[:8]))

    @admin.display(ordering="integration__name")
    def connection(self, payload: RawPayload) -> str:
        """Where it came from."""
        return str(payload.integration)

    @admin.display(description="run")
    def of_run(self, payload: RawPayload) -> SafeString | str:
        """The run that brought it."""
        if payload.run is None:
            return html.EMPTY
        url = reverse("admin:synclogs_synclog_change", args=[payload.run.pk])
        return html.link(url, humanized(payload.run.sync_type))

    @admin.display(description="status", ordering="processed_at")
    def state(self, payload: RawPayload) -> SafeString:
        """Whether it was processed."""
        return state_label(payload)

    @admin.display(ordering="item_count")
    def size(self, payload: RawPayload) -> SafeString:
        """How much it is."""
        return html.stacked(
            counted(payload.item_count, "item"), html.muted(filesizeformat(payload.byte_size))
        )

    @admin.display(ordering="received_at")
    def received(self, payload: RawPayload) -> SafeString:
        """When it came."""
        return html.when(payload.received_at)

    @admin.display(description="kept until", ordering="expires_at")
    def kept_until(self, payload: RawPayload) -> SafeString:
        """When it is deleted; never before it was processed."""
        return html.when(payload.expires_at, empty="processed")

    def replay_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """Process one payload again and go to its job."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        payload = self.found(request, object_id)
        if payload is None:
            return self.missing(request, object_id)
        jobs = self.process_again(request, [payload])
        return to_job(jobs[0]) if jobs else redirect(self.url_of(payload))

    @admin.action(description="Process selected payloads again", permissions=["operate"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[RawPayload]) -> None:
        """Process the selected payloads again."""
        self.process_again(request, list(queryset.select_related("integration", "account", "run")))

    def process_again(self, request: HttpRequest, payloads: list[RawPayload]) -> list[Job]:
        """Queue them, or say why that makes no sense."""
        try:
            jobs = replay(payloads, SyncTrigger.MANUAL, signed_in_user(request))
        except UnknownJob as error:
            self.refused(request, f"Not processed again: {error}")
            return []
        for payload in payloads:
            self.log_change(request, payload, "Processed again.")
        self.message_user(request, f"{counted(len(jobs), 'chunk')} will be processed again.")
        return jobs

    def detail(self, request: HttpRequest, obj: RawPayload) -> dict[str, Any]:
        """What the page of a payload shows."""
        user = signed_in_user(request)
        items = orjson.loads(obj.body)
        jobs = Job.objects.filter(
            integration=obj.integration_id, job_type=obj.kind, args__payload=str(obj.pk)
        ).order_by("created_at")
        return {
            "status": state_label(obj),
            "facts": [
                ("Connection", html.row_link(obj.integration, user)),
                ("Run", html.row_link(obj.run, user) or "-"),
                ("Received", html.when(obj.received_at)),
                ("Processed", html.when(obj.processed_at, empty="not yet")),
                ("Kept until", html.when(obj.expires_at, empty="it is processed")),
                ("Size", f"{counted(obj.item_count, 'item')}, {filesizeformat(obj.byte_size)}"),
                ("Half of", html.row_link(obj.split_from, user) or "-"),
                ("Jobs", html.stacked(*(_job_link(job) for job in jobs)) if jobs else "-"),
            ],
            "context_json": html.pretty_json(obj.context),
            "items_json": html.pretty_json(items[:SHOWN_ITEMS]),
            "more": max(0, len(items) - SHOWN_ITEMS),
            "can_operate": self.has_operate_permission(request),
        }


def _job_link(job: Job) -> SafeString:
    return html.link(reverse("admin:synclogs_job_change", args=[job.pk]), str(job.pk)[:8], title=job.name)


def state_label(payload: RawPayload) -> SafeString:
    """One word on whether it was processed."""
    if payload.processed_at is not None:
        return html.label("processed", "ok")
    return html.label("not processed", "warn")
