"""Webhook deliveries: what came, what became of it, and processing it again."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter

from integrations.admin.delivery_body import shown_body
from integrations.models import DeliveryStatus, WebhookDelivery
from integrations.registry import get_provider
from integrations.webhooks.operations import replay
from synclogs.admin import html
from synclogs.admin.base import signed_in_user
from synclogs.admin.filters import ValuesFilter
from synclogs.admin.job_cells import job_status
from synclogs.admin.operate import OperableAdmin, Retry
from synclogs.admin.run_cells import run_link
from synclogs.admin.run_cells import status as run_status
from synclogs.admin.words import absolute, humanized, number
from synclogs.models import Job, SyncLog

TONES = {
    DeliveryStatus.RECEIVED: "info",
    DeliveryStatus.QUEUED: "info",
    DeliveryStatus.PROCESSED: "ok",
    DeliveryStatus.IGNORED: "mute",
    DeliveryStatus.FAILED: "bad",
    DeliveryStatus.REJECTED: "warn",
}
SOON_AFTER = timedelta(minutes=10)
MOST_RUNS = 20


class DeliveryProviderFilter(ValuesFilter):
    """Deliveries of one provider."""

    title = "provider"
    parameter_name = "provider"


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(OperableAdmin):
    """What vendors have sent, newest first; refused ones are one row a minute and reason."""

    list_display: ClassVar[Any] = ("vendor", "state", "received", "size", "event", "repeats", "problem")
    list_display_links = ("vendor", "event")
    list_filter: ClassVar[Any] = (
        ("status", MultipleChoicesDropdownFilter),
        DeliveryProviderFilter,
    )
    search_fields = ("id", "event_id", "body_sha256", "error")
    search_help_text = "Search id, the vendor's id, the body's hash or the error"
    ordering = ("-received_at",)
    actions = ("replay_selected",)
    detail_template = "admin/integrations/delivery.html"
    quick_filters = (
        ("Failed", "status__exact=failed"),
        ("Ignored", "status__exact=ignored"),
        ("Refused", "status__exact=rejected"),
    )
    empty_title = "No webhooks yet"
    empty_text = "They appear here as soon as a vendor sends the first to one of your addresses."

    def get_urls(self) -> list[URLPattern]:
        """The replay, before Django's own."""
        return [
            self.post_path("<uuid:object_id>/replay/", self.replay_view, "replay"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        """Those of the user's accounts, and refused ones, which belong to nobody. The list has no bodies."""
        user = signed_in_user(request)
        rows = WebhookDelivery.objects.order_by(*self.ordering)
        if not user.sees_all_accounts:
            own = Q(account__in=user.membership_set.values("account"))
            rows = rows.filter(own | Q(account__isnull=True))
        match = request.resolver_match
        if match is not None and "object_id" in match.kwargs:
            return rows.select_related("account", "credential")
        return rows.defer("body")

    def retry_operation(self) -> Retry:
        """Processing a delivery again, also what was processed just now: somebody wants it."""
        return lambda delivery, user: replay(delivery, user, reprocess=True)

    def replay_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """Process one delivery again and go to its job."""
        return self.retry_view(request, object_id)

    @admin.action(description="Replay selected deliveries", permissions=["operate"])
    def replay_selected(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]
    ) -> HttpResponse | None:
        """Process the selected deliveries again, oldest first."""
        return self.retry_many(request, queryset.order_by("received_at").select_related("account"))

    @admin.display(description="provider", ordering="provider")
    def vendor(self, delivery: WebhookDelivery) -> str:
        """Who sent it."""
        return vendor_name(delivery)

    @admin.display(description="status", ordering="status")
    def state(self, delivery: WebhookDelivery) -> SafeString:
        """What became of it."""
        return status(delivery)

    @admin.display(ordering="received_at")
    def received(self, delivery: WebhookDelivery) -> SafeString:
        """When."""
        return html.when(delivery.received_at)

    @admin.display(ordering="body_size")
    def size(self, delivery: WebhookDelivery) -> str:
        """How long its body is."""
        return byte_count(delivery.body_size)

    @admin.display(description="vendor's id")
    def event(self, delivery: WebhookDelivery) -> SafeString:
        """What the vendor calls it; the body's hash where it says nothing."""
        return html.EMPTY if delivery.rejected_slot else html.clipped(delivery.event_id[:24])

    @admin.display(description="times")
    def repeats(self, delivery: WebhookDelivery) -> SafeString:
        """How often it came."""
        times = delivery.rejected_count if delivery.rejected_slot else delivery.duplicates + 1
        return html.muted("once") if times == 1 else html.label(f"{times:,} times", "mute")

    @admin.display(description="reason", ordering="error")
    def problem(self, delivery: WebhookDelivery) -> SafeString:
        """Why it was refused, ignored or failed, in one line."""
        tone = "bad" if delivery.status == DeliveryStatus.FAILED else "mute"
        return html.clipped(reason(delivery), tone=tone)

    def title_of(self, obj: WebhookDelivery) -> str:
        """Its vendor and the beginning of its id."""
        return f"{vendor_name(obj)} {str(obj.pk)[:8]}"

    def detail(self, request: HttpRequest, obj: WebhookDelivery) -> dict[str, Any]:
        """What the page of a delivery shows."""
        user = signed_in_user(request)
        sees_runs = user.has_perm("synclogs.view_synclog")
        runs = SyncLog.objects.filter(raw_payloads__delivery=obj).distinct().order_by("-started_at")
        return {
            "delivery": obj,
            "status": status(obj),
            "reason": reason(obj),
            "can_operate": self.has_operate_permission(request),
            "can_replay": obj.status != DeliveryStatus.REJECTED,
            "facts": [(name, value) for name, value in _facts(obj, user) if value],
            "jobs": [(job, job_status(job)) for job in _first_jobs(obj)],
            "runs": [(run_link(run), run_status(run)) for run in runs[:MOST_RUNS]] if sees_runs else [],
            "headers_json": html.pretty_json(obj.headers),
            "notes_json": html.pretty_json(obj.notes) if obj.notes else "",
            "body": shown_body(obj),
        }


def vendor_name(delivery: WebhookDelivery) -> str:
    """What the provider calls itself."""
    try:
        return get_provider(delivery.provider).label
    except LookupError:
        return humanized(delivery.provider)


def status(delivery: WebhookDelivery) -> SafeString:
    """The status in its color."""
    return html.label(
        "refused" if delivery.rejected_slot else delivery.get_status_display(),
        TONES[DeliveryStatus(delivery.status)],
    )


def reason(delivery: WebhookDelivery) -> str:
    """Why it was refused, ignored or failed."""
    return humanized(delivery.error) if delivery.rejected_slot else delivery.error


def byte_count(size: int) -> str:
    """A length in bytes as people say it."""
    if size < 1024:
        return f"{size} B"
    return (
        f"{number(round(size / 1024, 1))} KB"
        if size < 1 << 20
        else f"{number(round(size / (1 << 20), 1))} MB"
    )


def _facts(delivery: WebhookDelivery, user: Any) -> list[tuple[str, Any]]:
    received, done = delivery.received_at, delivery.processed_at
    is_hash = delivery.event_id == delivery.body_sha256
    return [
        ("Received", html.joined([html.when(received), html.muted(absolute(received))])),
        ("Processed", html.joined([html.when(done), html.muted(absolute(done))]) if done else ""),
        ("Answered", delivery.http_status_returned),
        ("Came", f"{delivery.rejected_count:,} times in this minute" if delivery.rejected_slot else ""),
        ("Repeats", f"{delivery.duplicates:,}" if delivery.duplicates else ""),
        ("Vendor's try", delivery.attempt_no or ""),
        ("Vendor's id", "" if delivery.rejected_slot or is_hash else delivery.event_id),
        ("Content type", delivery.content_type),
        ("Length", byte_count(delivery.body_size)),
        ("SHA-256", html.clipped(delivery.body_sha256) if delivery.body_sha256 else ""),
        ("Credential", html.row_link(delivery.credential, user)),
        ("Account", html.row_link(delivery.account, user)),
    ]


def _first_jobs(delivery: WebhookDelivery) -> list[Job]:
    """The job that it was stored with; replays are found by their runs."""
    soon = (delivery.received_at, delivery.received_at + SOON_AFTER)
    jobs = Job.objects.filter(provider=delivery.provider, created_at__range=soon)
    return list(jobs.filter(args__delivery=str(delivery.pk))[:5])
