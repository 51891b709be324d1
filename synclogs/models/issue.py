"""SyncIssue: one record that could not be taken."""

from __future__ import annotations

from django.db import models

from synclogs.models.sync_log import SyncLog

MAX_ISSUES_PER_RUN = 1000


class SyncIssue(models.Model):
    """A record that a run left out, with the reason and a redacted piece of it; the run went on."""

    run = models.ForeignKey(SyncLog, on_delete=models.CASCADE, related_name="issues")
    stream = models.CharField(max_length=60)
    partition = models.CharField(max_length=60, blank=True, default="")
    source_id = models.CharField(max_length=200, blank=True, default="")
    index = models.PositiveIntegerField(null=True, blank=True, help_text="Position in the vendor's reply.")
    field = models.CharField(max_length=100, blank=True, default="")
    error_code = models.CharField(max_length=60)
    error_message = models.CharField(max_length=500)
    excerpt = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "sync_issues"
        ordering = ("id",)
        verbose_name = "issue"
        indexes = (models.Index(fields=("run", "error_code"), name="sync_issue_run_code"),)

    def __str__(self) -> str:
        return f"{self.source_id or f'record {self.index}'}: {self.error_message}"
