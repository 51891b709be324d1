"""Who plans a circuit: links to users, and names WorkStudio uses that no user has yet."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.models.user import MAX_WS_KEY, MAX_WS_USERNAME
from circuits.models.circuit import Circuit


class AssignmentSource(models.TextChoices):
    """Who linked a planner to a circuit. A manual link is never turned into an API one."""

    API_SYNC = "api_sync", "WorkStudio"
    MANUAL = "manual", "by hand"


class CircuitPlanner(models.Model):
    """A user plans (or has planned) a circuit. Syncs add links and never remove or change one."""

    circuit = models.ForeignKey(Circuit, on_delete=models.CASCADE, related_name="planner_links")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="circuit_links")
    assignment_source = models.CharField(
        max_length=20, choices=AssignmentSource.choices, default=AssignmentSource.API_SYNC
    )
    assigned_at = models.DateTimeField(null=True, blank=True)
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    ws_user_guid = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "circuit_user"
        verbose_name = "planner of a circuit"
        verbose_name_plural = "planners of circuits"
        constraints = (models.UniqueConstraint(fields=("circuit", "user"), name="circuit_user_uniq"),)

    def __str__(self) -> str:
        return f"{self.user} ({self.get_assignment_source_display()})"


class UnlinkedPlanner(models.Model):
    """A planner's name seen on circuits that no user carries yet. Linking it relinks those circuits."""

    ws_username = models.CharField("WorkStudio username", max_length=MAX_WS_USERNAME)
    ws_username_key = models.CharField(max_length=MAX_WS_KEY, unique=True, editable=False)
    ws_user_guid = models.CharField("WorkStudio GUID", max_length=64, null=True, blank=True, unique=True)
    display_name = models.CharField(max_length=150, blank=True, default="")
    occurrence_count = models.PositiveIntegerField("times seen", default=0)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    linked_to_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    linked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-occurrence_count", "ws_username")
        verbose_name = "unlinked planner"
        permissions = (("link_planners", "Can link planners to users"),)

    def __str__(self) -> str:
        return self.ws_username
