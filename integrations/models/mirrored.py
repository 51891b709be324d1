"""Mirrored: the columns that every table filled by a bulk stream has, whatever the vendor."""

from __future__ import annotations

from django.db import models


class Mirrored(models.Model):
    """A vendor's record as it was last received, and the provenance of that.

    `raw` is the record itself; `payload_hash` and `content_hash` tell cheaply that one is the same;
    `changed_fields` names what the last change changed (at most 20 names). `last_changed_at` is the beginning
    of the run that last wrote the row: unchanged rows are not written, so that freshness is the run's. Add
    `removed_at = DateTimeField(null=True)` where records disappear at the vendor.
    """

    raw = models.JSONField(default=dict, blank=True, editable=False)
    content_hash = models.CharField(max_length=32, blank=True, default="", editable=False)
    payload_hash = models.CharField(max_length=32, blank=True, default="", editable=False)
    changed_fields = models.JSONField(default=list, blank=True, editable=False)
    first_seen_at = models.DateTimeField(editable=False)
    last_changed_at = models.DateTimeField("last change seen", editable=False)
    last_run = models.ForeignKey(
        "synclogs.SyncLog",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        db_constraint=False,
    )

    class Meta:
        abstract = True
