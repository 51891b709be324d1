"""Events and the objects between which they happen, as an operator and as their owner browses them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from integrations.admin.activity_cells import (
    amount,
    card,
    happened,
    object_link,
    presence,
    previous_amount,
    sentence,
)
from integrations.models import Event, EventObject
from synclogs.admin import html
from synclogs.admin.base import ReadOnlyAdmin, VisibleOnly, signed_in_user
from synclogs.admin.filters import AgeFilter, ValuesFilter, VisibleRelatedFilter
from synclogs.admin.words import humanized

TIMELINE = 50


class ServiceFilter(ValuesFilter):
    """Of one service."""

    title = "service"
    parameter_name = "service"


class DomainFilter(ValuesFilter):
    """Of one domain: money, health, ..."""

    title = "domain"
    parameter_name = "domain"


class ActionFilter(ValuesFilter):
    """Of one action."""

    title = "action"
    parameter_name = "action"


class ConceptFilter(ValuesFilter):
    """Of one concept: account, day, place, ..."""

    title = "concept"
    parameter_name = "concept"


class TypeFilter(ValuesFilter):
    """Of one type of a concept."""

    title = "type"
    parameter_name = "type"


class HappenedFilter(AgeFilter):
    """Events that happened lately."""

    title = "time"
    parameter_name = "happened_within"
    field = "time"


@admin.register(Event)
class EventAdmin(VisibleOnly, ReadOnlyAdmin):
    """What happened, newest first."""

    list_display: ClassVar[Any] = ("happened", "what", "value_text", "where_from", "presence")
    list_filter: ClassVar[Any] = (
        ServiceFilter,
        DomainFilter,
        ActionFilter,
        HappenedFilter,
        ("time", RangeDateTimeFilter),
        ("integration", VisibleRelatedFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("source_id", "action", "actor__title", "target__title")
    search_help_text = "Search actor, target, action or the vendor's id"
    list_select_related = ("actor", "target", "integration")
    ordering = ("-time",)
    detail_template = "admin/integrations/event.html"
    quick_filters = (
        ("Money", "domain=money"),
        ("Health", "domain=health"),
        ("Last 24 hours", "happened_within=1"),
    )
    empty_title = "No events yet"
    empty_text = "They come with the polls and webhooks of connected services."

    @admin.display(description="time", ordering="time")
    def happened(self, event: Event) -> SafeString:
        """When."""
        return happened(event)

    @admin.display(description="event", ordering="action")
    def what(self, event: Event) -> SafeString:
        """Who did what to whom."""
        return html.stacked(sentence(event), html.muted(f"{humanized(event.service)} · {event.domain}"))

    @admin.display(description="value", ordering="value")
    def value_text(self, event: Event) -> str:
        """Its number."""
        return amount(event)

    @admin.display(description="connection", ordering="integration__name")
    def where_from(self, event: Event) -> str:
        """The connection that brought it."""
        return str(event.integration)

    @admin.display(description="")
    def presence(self, event: Event) -> SafeString | str:
        """Whether it was withdrawn."""
        return presence(event)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Visible events with what a page of one shows."""
        rows: QuerySet[Event] = super().get_queryset(request)
        return rows.select_related("actor", "target", "integration__account", "last_run")

    def title_of(self, obj: Event) -> str:
        """The event in words."""
        return sentence(obj)

    def detail(self, request: HttpRequest, obj: Event) -> dict[str, Any]:
        """The event, its two objects, and its blocks as cards."""
        user = signed_in_user(request)
        before = previous_amount(obj)
        facts = [
            ("Time", happened(obj)),
            ("Service", f"{humanized(obj.service)}, {obj.domain}"),
            ("Actor", object_link(obj.actor, user)),
            ("Target", object_link(obj.target, user)),
            ("Connection", html.row_link(obj.integration, user)),
            ("Vendor's id", obj.source_id),
            ("Received", html.when(obj.received_at)),
            ("Last changed", html.when(obj.updated_at)),
            ("By run", html.row_link(obj.last_run, user) or "-"),
        ]
        if before:
            facts.insert(1, ("Was before", before))
        return {
            "sentence": sentence(obj),
            "amount": amount(obj),
            "deleted": presence(obj),
            "facts": facts,
            "cards": [card(block) for block in obj.blocks.order_by("block_type", "title")],
            "details": html.pretty_json(obj.event_metadata),
            "actor_details": html.pretty_json(obj.actor_metadata) if obj.actor_metadata else "",
            "target_details": html.pretty_json(obj.target_metadata) if obj.target_metadata else "",
        }


@admin.register(EventObject)
class EventObjectAdmin(VisibleOnly, ReadOnlyAdmin):
    """People, accounts, days, places: what events happen to or between."""

    list_display: ClassVar[Any] = ("name", "kind", "service_name", "known_since", "presence")
    list_filter: ClassVar[Any] = (ServiceFilter, ConceptFilter, TypeFilter)
    search_fields = ("title", "external_id", "content")
    search_help_text = "Search title, content or the vendor's id"
    ordering = ("concept", "title")
    detail_template = "admin/integrations/object.html"
    empty_title = "No objects yet"
    empty_text = "They come with the first events."

    @admin.display(description="object", ordering="title")
    def name(self, row: EventObject) -> SafeString:
        """Its title, and the vendor's id of it."""
        return html.stacked(row.title, html.muted(row.external_id))

    @admin.display(description="kind", ordering="type")
    def kind(self, row: EventObject) -> SafeString:
        """What it is."""
        return html.stacked(humanized(row.type), html.muted(row.concept))

    @admin.display(description="service", ordering="service")
    def service_name(self, row: EventObject) -> str:
        """Whose word it is."""
        return humanized(row.service)

    @admin.display(description="known since", ordering="created_at")
    def known_since(self, row: EventObject) -> SafeString:
        """When it was first heard of."""
        return html.when(row.created_at)

    @admin.display(description="")
    def presence(self, row: EventObject) -> SafeString | str:
        """Whether it was withdrawn."""
        return presence(row)

    def detail(self, request: HttpRequest, obj: EventObject) -> dict[str, Any]:
        """The object and the timeline of its events, newest first, fifty a page."""
        user = signed_in_user(request)
        events = Event.objects.visible_to(user).filter(Q(actor=obj) | Q(target=obj), deleted_at=None)
        timeline = events.select_related("actor", "target").order_by("-time", "pk")
        page = Paginator(timeline, TIMELINE).get_page(request.GET.get("p"))
        return {
            "kind": html.label(humanized(obj.type), "info"),
            "deleted": presence(obj),
            "facts": [
                ("Service", humanized(obj.service)),
                ("Concept", humanized(obj.concept)),
                ("Vendor's id", obj.external_id or "-"),
                ("Time", html.when(obj.time)),
                ("First heard of", html.when(obj.created_at)),
                ("Last changed", html.when(obj.updated_at)),
            ],
            "metadata": html.pretty_json(obj.metadata),
            "timeline": [
                {
                    "when": happened(event),
                    "what": _event_link(event),
                    "amount": amount(event),
                }
                for event in page
            ],
            "page": page,
        }


def _event_link(event: Event) -> SafeString:
    return html.link(reverse("admin:integrations_event_change", args=[event.pk]), sentence(event))
