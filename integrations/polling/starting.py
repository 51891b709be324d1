"""Starting a poll: claimed by one comparison, so that of several that want to only one does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from integrations.jobs.staged.fetch import BaseFetchJob
from integrations.models import Integration
from synclogs.models import Job, JobQueue, SyncTrigger


def start(
    integration: Integration,
    cls: type[BaseFetchJob],
    now: datetime,
    *,
    trigger: str = SyncTrigger.SCHEDULED,
    since: datetime | None = None,
    user: User | None = None,
) -> Job | None:
    """Mark a connection as triggered and queue its poll, in one transaction.

    None when somebody else has triggered it since it was read. `since` reads again from there.
    """
    args: dict[str, Any] = {"trigger": trigger}
    if since is not None:
        args["since"] = since.isoformat()
    by_hand = trigger != SyncTrigger.SCHEDULED
    with transaction.atomic():
        unchanged = Integration.objects.filter(
            pk=integration.pk, last_triggered_at=integration.last_triggered_at
        )
        if integration.last_triggered_at is None:
            unchanged = Integration.objects.filter(pk=integration.pk, last_triggered_at__isnull=True)
        if not unchanged.update(last_triggered_at=now):
            return None
        queue = JobQueue.HIGH_PRIORITY if by_hand else None
        return cls.dispatch(integration, args=args, triggered_by=user, queue=queue)
