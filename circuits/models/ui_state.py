"""CircuitUiState: where a circuit stands on the local board."""

from __future__ import annotations

from django.conf import settings
from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from circuits.models.circuit import Circuit
from circuits.statuses import WorkflowStage


class CircuitUiState(models.Model):
    """The board's own state of a circuit. WorkStudio knows nothing of it and a sync never changes it."""

    circuit = models.OneToOneField(Circuit, on_delete=models.CASCADE, related_name="ui_state")
    workflow_stage = models.CharField(
        max_length=30, choices=WorkflowStage.choices, default=WorkflowStage.ACTIVE
    )
    stage_position = models.IntegerField(default=0)
    stage_changed_at = models.DateTimeField(null=True, blank=True)
    stage_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_hidden = models.BooleanField(default=False)
    is_pinned = models.BooleanField(default=False)
    custom_color = models.CharField(max_length=20, blank=True, default="")
    notes = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        permissions = (("change_workflow_stage", "Can move circuits on the board"),)
        indexes = (models.Index(fields=("workflow_stage", "stage_position"), name="ui_state_stage_position"),)

    def __str__(self) -> str:
        return f"{self.circuit}: {self.get_workflow_stage_display()}"

    def move_to_stage(self, stage: WorkflowStage, user: User | None) -> None:
        """Put the card at the end of another column of the board."""
        with transaction.atomic():
            last = CircuitUiState.objects.filter(workflow_stage=stage).aggregate(last=Max("stage_position"))
            self.workflow_stage = stage
            self.stage_position = (last["last"] or 0) + 1
            self.stage_changed_at = timezone.now()
            self.stage_changed_by = user
            self.save()
