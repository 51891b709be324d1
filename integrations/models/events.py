"""Event, EventObject and Block: normalized activity of a person, whatever service it comes from."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Account
from integrations.models.integration import Integration
from synclogs.models import SyncLog

if TYPE_CHECKING:
    from django.db.models.manager import Manager

    from accounts.models import User

OPERATE_CONNECTIONS = "integrations.change_integration"


class EventQuerySet(models.QuerySet["Event"]):
    """Events, as far as a person may see them."""

    def visible_to(self, user: User) -> Self:
        """One's own; of all in one's accounts for those who operate connections; all for a superuser."""
        if user.sees_all_accounts:
            return self
        own = Q(integration__user=user) | Q(integration__user=None, integration__credential__user=user)
        if user.has_perm(OPERATE_CONNECTIONS):
            own |= Q(integration__account__in=Account.objects.filter(membership__user=user))
        return self.filter(own)


class EventObjectQuerySet(models.QuerySet["EventObject"]):
    """Objects, as far as a person may see them."""

    def visible_to(self, user: User) -> Self:
        """The same as for events: the objects of people whose connections one operates."""
        if user.sees_all_accounts:
            return self
        seen = Q(user=user)
        if user.has_perm(OPERATE_CONNECTIONS):
            seen |= Q(
                Exists(
                    Integration.objects.filter(
                        user=OuterRef("user"), provider=OuterRef("service"), account__membership__user=user
                    )
                )
            )
        return self.filter(seen)


class _Written(models.Model):
    """What the writer keeps on each row: when it came and changed, and which run wrote it.

    `received_at` is when what the row says was received from the vendor: older news never replaces newer. It
    is empty on a row that is only known by name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    content_hash = models.CharField(max_length=32, blank=True, default="", editable=False)
    last_run = models.ForeignKey(
        SyncLog, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    received_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class _Measured(models.Model):
    """A number in whole units of `1 / value_multiplier`: the real number is value / value_multiplier."""

    value = models.BigIntegerField(null=True, blank=True)
    value_multiplier = models.IntegerField(null=True, blank=True)
    value_unit = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        abstract = True


class EventObject(_Written):
    """Something that events happen to or between: a person, an account, a day, a metric, a message.

    `natural_key` is the external id, or `t:` and the title where there is none.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    service = models.CharField(max_length=40)
    concept = models.CharField(max_length=60)
    type = models.CharField(max_length=60)
    natural_key = models.CharField(max_length=300)
    external_id = models.CharField(max_length=200, blank=True, default="")
    time = models.DateTimeField(null=True, blank=True)
    title = models.CharField(max_length=500)
    content = models.TextField(blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    url = models.CharField(max_length=2000, blank=True, default="")
    media_url = models.CharField(max_length=2000, blank=True, default="")

    objects: ClassVar[Manager[EventObject]] = EventObjectQuerySet.as_manager()

    class Meta:
        db_table = "event_objects"
        verbose_name = "object"
        ordering = ("service", "concept", "title")
        constraints = (
            models.UniqueConstraint(
                fields=("user", "service", "concept", "type", "natural_key"), name="event_object_natural_key"
            ),
        )

    def __str__(self) -> str:
        return self.title


class Event(_Written, _Measured):
    """Something that happened at a time: an actor did an action to a target."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="events")
    source_id = models.CharField(max_length=300)
    time = models.DateTimeField()
    service = models.CharField(max_length=40)
    domain = models.CharField(max_length=40)
    action = models.CharField(max_length=60)
    actor = models.ForeignKey(EventObject, on_delete=models.CASCADE, related_name="events_as_actor")
    actor_metadata = models.JSONField(default=dict, blank=True)
    target = models.ForeignKey(EventObject, on_delete=models.CASCADE, related_name="events_as_target")
    target_metadata = models.JSONField(default=dict, blank=True)
    event_metadata = models.JSONField(default=dict, blank=True)

    objects: ClassVar[Manager[Event]] = EventQuerySet.as_manager()

    class Meta:
        db_table = "integration_events"
        ordering = ("-time",)
        constraints = (models.UniqueConstraint(fields=("integration", "source_id"), name="event_source_id"),)
        indexes = (
            models.Index(fields=("integration", "time"), name="event_integration_time"),
            models.Index(fields=("service", "domain", "time"), name="event_service_time"),
            models.Index(fields=("actor", "time"), name="event_actor_time"),
            models.Index(fields=("target", "time"), name="event_target_time"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.source_id}"


class Block(_Written, _Measured):
    """A detail card of an event."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="blocks")
    block_type = models.CharField(max_length=60, default="")
    time = models.DateTimeField(null=True, blank=True)
    title = models.CharField(max_length=300)
    metadata = models.JSONField(default=dict, blank=True)
    url = models.CharField(max_length=2000, blank=True, default="")
    media_url = models.CharField(max_length=2000, blank=True, default="")

    class Meta:
        db_table = "event_blocks"
        ordering = ("event", "block_type", "title")
        constraints = (
            models.UniqueConstraint(fields=("event", "block_type", "title"), name="block_event_type_title"),
        )

    def __str__(self) -> str:
        return self.title
