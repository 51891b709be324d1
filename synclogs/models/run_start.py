"""Opening a run, and holding the lock that keeps another of the same work out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from accounts.models import Account
from accounts.models.scoping import AccountScopedManager
from synclogs.models.run_states import SyncAlreadyRunning, SyncPhase, SyncTrigger

if TYPE_CHECKING:
    from accounts.models import User
    from synclogs.models.job import Job
    from synclogs.models.sync_log import SyncLog


class SyncLogManager(AccountScopedManager["SyncLog"]):
    """Starts runs."""

    def start(
        self,
        sync_type: str,
        sync_trigger: str = SyncTrigger.MANUAL,
        *,
        account: Account,
        provider: str = "",
        integration: models.Model | None = None,
        region: models.Model | None = None,
        api_status_filter: str | None = None,
        triggered_by: User | None = None,
        context: Mapping[str, Any] | None = None,
        lock_key: str | None = None,
        job: Job | None = None,
        owner_token: str = "",
        retry_of: SyncLog | None = None,
    ) -> SyncLog:
        """Open a run, holding `lock_key` against any other run of the same work.

        Raises SyncAlreadyRunning when another run holds the key; nothing is written then.
        """
        details = dict(context or {})
        if api_status_filter:
            details["api_status_filter"] = api_status_filter
        if region is not None:
            details["region_id"] = region.pk
        log = self.model(
            sync_type=sync_type,
            sync_trigger=sync_trigger,
            account=account,
            provider=provider,
            integration_id=integration.pk if integration is not None else None,
            scope=getattr(region, "code", ""),
            phase=SyncPhase.REQUESTED,
            triggered_by=triggered_by,
            context=details,
            lock_key=lock_key,
            job=job,
            owner_token=owner_token,
            retry_of=retry_of,
            started_at=timezone.now(),
        )
        self._insert(log)
        log.announce_start()
        return log

    def _insert(self, log: SyncLog) -> None:
        try:
            with transaction.atomic():
                log.save(force_insert=True)
        except IntegrityError:
            if log.lock_key is None:
                raise
            running = self.filter(lock_key=log.lock_key).first()
            raise SyncAlreadyRunning(log.lock_key, running) from None
