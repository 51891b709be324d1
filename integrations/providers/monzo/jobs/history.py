"""The first look at a new connection: approval, the whole history within five minutes, webhooks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone

from integrations.http.errors import Forbidden, IntegrationError, NotFound
from integrations.jobs.outcomes import JobFailed, Postpone
from integrations.jobs.registry import register_job
from integrations.jobs.staged.initialization import BaseInitializationJob
from integrations.jobs.staged.page import CursorMove
from integrations.models import Credential, CredentialStatus, Integration, SyncCursor
from integrations.providers.monzo.accounts import account_id, credential_of, remember
from integrations.providers.monzo.client import PROVIDER, MonzoClient, Record
from integrations.providers.monzo.errors import HistoryTooOld, NotApproved
from integrations.providers.monzo.jobs.accounts import account_page
from integrations.providers.monzo.jobs.balances import balance_page
from integrations.providers.monzo.jobs.pots import pot_pages
from integrations.providers.monzo.jobs.transactions import WALL, transaction_page
from integrations.providers.monzo.mapping.values import moment_or_none
from integrations.providers.monzo.reading import window_pages, windows
from integrations.providers.monzo.watching import STREAM, Watch
from integrations.webhooks import keys
from synclogs.models import JobQueue

logger = logging.getLogger("syncplatform.monzo")

HISTORY = "history"
PROBE_SECONDS = 15
APPROVAL_MINUTES = 30
LONGEST_HISTORY = timedelta(days=10 * 365)


@register_job
class MonzoHistoricalData(BaseInitializationJob):
    """Waits for the approval, then reads all; transactions first: they are open for five minutes."""

    name = "monzo.historical_data"
    provider = PROVIDER
    job_type = "historical_data"
    queue: ClassVar[JobQueue] = JobQueue.HIGH_PRIORITY

    def initialize(self) -> None:
        """Accounts, their transactions, pots, balances, webhooks. It may be entered again at any point."""
        credential = credential_of(self.integration)
        self._connections = connections_of(credential)
        with MonzoClient.of(credential) as client:
            accounts = self._approved_accounts(client, credential)
            remember(credential, accounts)
            self.stage(account_page(accounts, self._connections.get("accounts")))
            newest_first = sorted(accounts, key=lambda each: str(each.get("created") or ""), reverse=True)
            for account in newest_first:
                self._read_history(client, account)
            for page in pot_pages(client, accounts, self._connections.get("pots")):
                self.stage(page)
            self.stage(balance_page(client, accounts, self._connections.get("balances")))
            register_webhooks(client, credential, accounts)

    def _approved_accounts(self, client: MonzoClient, credential: Credential) -> list[Record]:
        """The accounts, once the owner has approved. Raises Postpone while that is waited for."""
        try:
            accounts = client.accounts()
        except NotApproved:
            now = timezone.now()
            if now - self.job.created_at > timedelta(minutes=APPROVAL_MINUTES):
                credential.mark_refused("approval_timeout")
                raise JobFailed(
                    f"nobody approved the access within {APPROVAL_MINUTES} minutes",
                    code="approval_timeout",
                    actionable_message="Reconnect, then approve the access in the Monzo app.",
                ) from None
            raise Postpone(
                now + timedelta(seconds=PROBE_SECONDS), "waiting for the approval in the app"
            ) from None
        waiting = Credential.objects.filter(pk=credential.pk, sca_approved_at__isnull=True)
        waiting.update(sca_approved_at=timezone.now())
        Credential.objects.filter(pk=credential.pk, status=CredentialStatus.PENDING_APPROVAL).update(
            status=CredentialStatus.ACTIVE, status_reason=""
        )
        return accounts

    def _read_history(self, client: MonzoClient, account: Record) -> None:
        """Windows from now back to the account's first day; the cursor says which of them are stored."""
        connection = self._connections.get("transactions")
        if connection is None:
            return
        progress = _state(connection, HISTORY, account_id(account))
        if progress.get("done"):
            return
        now = timezone.now()
        watch = Watch.of(_state(connection, STREAM, account["id"]))
        opened = moment_or_none(account, "created") or now - LONGEST_HISTORY
        newest = datetime.fromisoformat(progress["before"]) if progress.get("before") else now
        try:
            for since, before in windows(newest, max(opened, now - LONGEST_HISTORY)):
                self._read_window(client, account, connection, watch, since, before)
        except HistoryTooOld:
            logger.warning("the history of an account is read from 90 days ago only: its time was over")
            watch.is_truncated = True
            self._read_window(client, account, connection, watch, now - WALL, now)
        except NotApproved as error:
            logger.info("the transactions of a %s account are not read: %s", account.get("type"), error)
            skipped = [*self.run.context.get("skipped_accounts", []), account["id"]]
            self.run.note(context={**self.run.context, "skipped_accounts": skipped})
            return
        watch.read_through(watch.through or now)
        self._stage(account, connection, [], watch, {"done": True})

    def _read_window(
        self,
        client: MonzoClient,
        account: Record,
        connection: Integration,
        watch: Watch,
        since: datetime,
        before: datetime,
    ) -> None:
        for page in window_pages(client, account["id"], since=since, before=before):
            watch.look_at(page)
            self.stage(transaction_page(account["id"], page, integration=connection))
        watch.read_through(max(watch.through or before, before))
        self._stage(account, connection, [], watch, {"before": since.isoformat()})

    def _stage(
        self,
        account: Record,
        connection: Integration,
        transactions: Sequence[Record],
        watch: Watch,
        progress: dict[str, Any],
    ) -> None:
        moves = (
            CursorMove(HISTORY, progress, partition=account["id"]),
            CursorMove(STREAM, watch.as_state(), partition=account["id"], high_water=watch.through),
        )
        self.stage(transaction_page(account["id"], transactions, moves, integration=connection))


def connections_of(credential: Credential) -> dict[str, Integration]:
    """The connections of a credential by what they bring."""
    rows = Integration.objects.filter(credential=credential, deleted_at__isnull=True)
    return {row.instance_type: row for row in rows.select_related("credential")}


def register_webhooks(client: MonzoClient, credential: Credential, accounts: Sequence[Record]) -> None:
    """Have transactions sent here; addresses of ours that are not this one any more are removed.

    A vendor that refuses that stops nothing: polls bring the same.
    """
    ours = keys.address(credential)
    beginning = ours.partition(f"/webhooks/{PROVIDER}/")[0] + f"/webhooks/{PROVIDER}/"
    for account in accounts:
        try:
            registered = client.webhooks(account_id(account))
            if not any(hook.get("url") == ours for hook in registered):
                client.register_webhook(account["id"], ours)
            for hook in registered:
                if str(hook.get("url", "")).startswith(beginning) and hook.get("url") != ours:
                    client.delete_webhook(str(hook["id"]))
        except (Forbidden, NotFound) as error:
            logger.info("a %s account sends no webhooks: %s", account.get("type"), error)
        except IntegrationError as error:
            logger.warning("the webhook of an account was not registered: %s", error)


def _state(connection: Integration, stream: str, partition: str) -> dict[str, Any]:
    row = SyncCursor.objects.filter(integration=connection, stream=stream, partition=partition).first()
    return dict(row.state) if row is not None else {}
