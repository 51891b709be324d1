"""Regions, and which WorkStudio statuses this installation follows."""

from __future__ import annotations

from django.db import models


class Region(models.Model):
    """A part of the service territory. WorkStudio sends its name; unknown names are added as they come."""

    name = models.CharField(max_length=50, unique=True)
    code = models.CharField(max_length=20, unique=True)
    sort_order = models.PositiveIntegerField(default=100)
    is_active = models.BooleanField("active", default=True)
    discovered = models.BooleanField(
        default=False, help_text="Added by a sync because WorkStudio named it; review its code and order."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("sort_order", "name")

    def __str__(self) -> str:
        return self.name


class SyncFrequency(models.TextChoices):
    """How often a status is synced."""

    DAILY = "daily", "daily"
    WEEKLY = "weekly", "weekly"
    MANUAL = "manual", "by hand"


class ApiStatusConfig(models.Model):
    """Whether and how often one WorkStudio status is synced. No row means: synced."""

    api_status = models.CharField(max_length=20, unique=True)
    display_name = models.CharField(max_length=50)
    sync_frequency = models.CharField(max_length=10, choices=SyncFrequency.choices)
    sync_planned_units = models.BooleanField(default=True)
    is_active = models.BooleanField("synced", default=True)
    sort_order = models.PositiveIntegerField(default=100)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("sort_order",)
        verbose_name = "status setting"

    def __str__(self) -> str:
        return self.display_name
