"""Who may listen to the news of one circuit: whoever may look at it."""

from __future__ import annotations

import re

from accounts.models import User
from circuits.models import Circuit
from synclogs.channels import register_channel

PATTERN = r"circuit\.([1-9][0-9]{0,17})"


def can_view_circuit(user: User, circuit_id: int) -> bool:
    """Whether this person may look at this circuit: planners at those assigned to them."""
    if not user.has_perm("circuits.view_circuit"):
        return False
    return Circuit.objects.visible_to(user).filter(pk=circuit_id).exists()


def _may_listen(user: User, match: re.Match[str]) -> bool:
    return can_view_circuit(user, int(match[1]))


def connect() -> None:
    """Declare the channel; called once when the app is ready."""
    register_channel(PATTERN, _may_listen)
