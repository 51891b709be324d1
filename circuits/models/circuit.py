"""Circuit: one WorkStudio assessment job."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from circuits.statuses import ApiStatus

if TYPE_CHECKING:
    from django.db.models.manager import Manager

    from accounts.models import User
    from circuits.models.ui_state import CircuitUiState

MAIN_EXTENSION = "@"
PLANNED_UNITS_MAX_AGE = timedelta(hours=12)


class CircuitQuerySet(models.QuerySet["Circuit"]):
    """Ways to ask for circuits."""

    def present(self) -> Self:
        """Circuits that are not deleted."""
        return self.filter(deleted_at__isnull=True)

    def to_measure(self) -> Self:
        """Circuits whose planned units are wanted at all: not deleted, excluded or switched off."""
        return self.present().filter(planned_units_sync_enabled=True, is_excluded=False)

    def needs_sync(self) -> Self:
        """Circuits whose planned units are due: wanted, and never fetched or older than twelve hours."""
        stale = timezone.now() - PLANNED_UNITS_MAX_AGE
        never_or_stale = Q(last_planned_units_synced_at__isnull=True) | Q(
            last_planned_units_synced_at__lt=stale
        )
        return self.to_measure().filter(never_or_stale)

    def visible_to(self, user: User) -> Self:
        """What this person may look at: planners see the circuits assigned to them, others all."""
        if user.is_superuser or not user.groups.filter(name="planner").exists():
            return self
        return self.filter(planner_links__user=user)


class Circuit(models.Model):
    """A circuit to be assessed, as WorkStudio describes it. Upserted by `job_guid`."""

    job_guid = models.CharField("WorkStudio job", max_length=64, unique=True)
    work_order = models.CharField(max_length=40, db_index=True, blank=True, default="")
    extension = models.CharField(max_length=10, default=MAIN_EXTENSION)
    parent_circuit = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="splits"
    )
    region = models.ForeignKey(
        "circuits.Region", null=True, blank=True, on_delete=models.SET_NULL, related_name="circuits"
    )
    title = models.CharField(max_length=255, blank=True, default="")
    line_name = models.CharField(max_length=255, blank=True, default="")
    job_type = models.CharField(max_length=50, blank=True, default="")
    contractor = models.CharField(max_length=50, blank=True, default="")
    taken_by = models.CharField(max_length=100, blank=True, default="", db_index=True)
    cycle_type = models.CharField(max_length=100, blank=True, default="")
    total_miles = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    miles_planned = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    total_acres = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    percent_complete = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    start_date = models.DateField(null=True, blank=True)
    comments = models.TextField(blank=True, default="")
    api_modified_at = models.DateTimeField("edited in WorkStudio", null=True, blank=True, db_index=True)
    api_status = models.CharField("status", max_length=20, choices=ApiStatus.choices)
    api_data = models.JSONField(default=dict, blank=True)
    ws_version = models.IntegerField(null=True, blank=True)
    ws_sync_version = models.IntegerField(null=True, blank=True)
    last_synced_at = models.DateTimeField(
        "last change seen", null=True, blank=True, help_text="When a sync last changed this row."
    )
    last_planned_units_synced_at = models.DateTimeField(null=True, blank=True)
    content_hash = models.CharField(max_length=32, blank=True, default="", editable=False)
    last_run = models.ForeignKey(
        "synclogs.SyncLog", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    planned_units_sync_enabled = models.BooleanField(default=True)
    is_excluded = models.BooleanField("left out of reports", default=False)
    exclusion_reason = models.CharField(max_length=255, blank=True, default="")
    excluded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    excluded_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    planners = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        through="circuits.CircuitPlanner",
        through_fields=("circuit", "user"),
        related_name="circuits",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Manager[Circuit]] = CircuitQuerySet.as_manager()

    class Meta:
        ordering = ("work_order", "extension")
        indexes = (
            models.Index(fields=("region", "api_status"), name="circuit_region_status"),
            models.Index(fields=("work_order", "extension"), name="circuit_wo_ext"),
        )

    def __str__(self) -> str:
        return f"{self.display_work_order} {self.title}".strip()

    @property
    def is_split(self) -> bool:
        """Whether this is a part of a work order, not the whole of it."""
        return self.extension != MAIN_EXTENSION

    @property
    def display_work_order(self) -> str:
        """The work order as people write it, with the extension only when it is a split."""
        return f"{self.work_order} {self.extension}" if self.is_split else self.work_order

    @property
    def has_unsynchronized_edits(self) -> bool:
        """Whether WorkStudio itself holds field edits that it has not merged yet."""
        return (self.ws_sync_version or 0) < (self.ws_version or 0)

    def get_or_create_ui_state(self) -> CircuitUiState:
        """Where this circuit stands on the board; new ones stand under Active."""
        from circuits.models.ui_state import CircuitUiState

        return CircuitUiState.objects.get_or_create(circuit=self)[0]
