"""What happens when a connection is made: its history is read, once."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save

from accounts.models import User
from integrations.models import InitStatus, Integration, SyncCursor
from integrations.polling import routing
from synclogs.models import Job, JobQueue, SyncTrigger

HISTORY = "history"


def queue_initialization(
    integration: Integration,
    *,
    by_hand: bool = False,
    force: bool = False,
    resume: bool = False,
    user: User | None = None,
) -> Job | None:
    """Queue the initialization of a connection; None where there is none, or it was done before.

    By hand a failed one is started again, and with `force` one that was done: from the start, or with
    `resume` from where its cursors (streams called `history...`) were left. Of several that ask at once one
    gets it: the row is the referee.
    """
    cls = routing.init_job(integration)
    if cls is None:
        return None
    with transaction.atomic():
        rows = Integration.objects.filter(pk=integration.pk)
        if not force:
            rows = rows.filter(init_status__in=("", InitStatus.FAILED) if by_hand else ("",))
        if not rows.update(init_status=InitStatus.PENDING):
            return None
        if force and not resume:
            SyncCursor.objects.filter(integration=integration, stream__startswith=HISTORY).delete()
        trigger = SyncTrigger.MANUAL if by_hand else SyncTrigger.INIT
        queue = JobQueue.HIGH_PRIORITY if by_hand else None
        return cls.dispatch(integration, args={"trigger": trigger.value}, triggered_by=user, queue=queue)


def _connected(sender: type[Integration], instance: Integration, created: bool, raw: bool, **_: Any) -> None:
    if created and not raw:
        queue_initialization(instance)


def connect() -> None:
    """Listen for new connections; called when the app is ready."""
    post_save.connect(_connected, sender=Integration, dispatch_uid="initialize_new_connections")
