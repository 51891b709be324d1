"""Moving a circuit on the board from its page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest

from accounts.models import User
from circuits.models import Circuit, CircuitUiState
from circuits.services import move_circuit
from circuits.statuses import WorkflowStage
from synclogs.admin.base import OperatorAdmin, signed_in_user

MOVE = "circuits.change_workflow_stage"


def may_move(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this user may move circuits."""
    return isinstance(user, User) and user.has_perm(MOVE)


def choices(circuit: Circuit, user: User) -> dict[str, Any]:
    """The stages that this user may move a circuit to; nothing for those who may not move it."""
    if not may_move(user) or circuit.deleted_at is not None:
        return {}
    here = _stage_of(circuit)
    return {"stages": [(stage.value, stage.label) for stage in WorkflowStage if stage != here]}


def move(model_admin: OperatorAdmin, request: HttpRequest, circuit: Circuit) -> None:
    """Move it to the stage in `stage`, leave a trace and say so; or say why that makes no sense."""
    wanted = request.POST.get("stage", "")
    if wanted not in WorkflowStage.values:
        known = ", ".join(WorkflowStage.values)
        model_admin.refused(request, f"{circuit} was not moved: choose one of {known}.")
        return
    stage = WorkflowStage(wanted)
    before = _stage_of(circuit)
    if stage == before:
        model_admin.refused(request, f"{circuit} stands under {stage.label} already.")
        return
    move_circuit(circuit, stage, signed_in_user(request))
    follows = " Its planned units are fetched now." if stage == WorkflowStage.PENDING_PERMISSIONS else ""
    trace = f"Moved from {before.label} to {stage.label}."
    model_admin.done(request, circuit, trace, f"{circuit} stands under {stage.label} now.{follows}")


def _stage_of(circuit: Circuit) -> WorkflowStage:
    """Where it stands; one without a card stands under Active."""
    known = CircuitUiState.objects.filter(circuit=circuit).values_list("workflow_stage", flat=True).first()
    return WorkflowStage(known) if known else WorkflowStage.ACTIVE
