"""What Monzo sends: the transaction is asked for again, as a delivery is signed by nobody."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from typing import Any

import orjson

from integrations.http.errors import IntegrationError
from integrations.jobs.outcomes import JobFailed
from integrations.jobs.registry import register_job
from integrations.jobs.staged.page import Page
from integrations.jobs.staged.webhook_hook import BaseWebhookHookJob
from integrations.models import Credential
from integrations.providers.monzo.accounts import known_kinds
from integrations.providers.monzo.client import PROVIDER, MonzoClient
from integrations.providers.monzo.jobs.transactions import MonzoTransactionData
from integrations.webhooks.declaration import Ignore, Reading, Recipient, Take
from integrations.webhooks.messages import Incoming, json_object

logger = logging.getLogger("syncplatform.monzo")

CREATED = "transaction.created"


def read_delivery(incoming: Incoming, recipient: Recipient) -> Reading:
    """A new transaction of an account that is known is taken; anything else is kept and ignored."""
    document = json_object(incoming.content)
    data = document.get("data")
    transaction = data if isinstance(data, dict) else {}
    digest = hashlib.sha256(incoming.content).hexdigest()[:16]
    event_id = f"{document.get('type')}:{transaction.get('id')}:{digest}"[:200]
    if document.get("type") != CREATED:
        return Ignore("unknown_type", event_id=event_id)
    if not isinstance(transaction.get("id"), str):
        return Ignore("no_transaction", event_id=event_id)
    credential = Credential.objects.get(pk=recipient.credential_id)
    kinds = known_kinds(credential)
    if kinds and transaction.get("account_id") not in kinds:
        return Ignore("unknown_account", event_id=event_id)
    return Take(event_id=event_id)


@register_job
class MonzoWebhookHook(BaseWebhookHookJob):
    """One delivery to one event."""

    name = "monzo.webhook_hook"
    provider = PROVIDER
    job_type = "webhook_hook"

    def validate_webhook(self) -> None:
        """It holds a transaction of an account."""
        try:
            document: Any = orjson.loads(bytes(self.delivery.body or b""))
        except orjson.JSONDecodeError as error:
            raise JobFailed(f"the delivery is not JSON: {error}", code="bad_body") from None
        data = document.get("data") if isinstance(document, dict) else None
        if not isinstance(data, dict) or not isinstance(data.get("id"), str):
            raise JobFailed("the delivery holds no transaction", code="bad_body")
        self._claimed = data

    def split_webhook_data(self) -> Iterator[Page]:
        """The transaction, for the connection that brings transactions."""
        for connection in self.integrations:
            if connection.instance_type == "transactions":
                transaction, context = self._verified()
                yield Page(MonzoTransactionData, [transaction], context=context, integration=connection)

    def _verified(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The transaction as the API has it; as the delivery claims where the API is not to be had."""
        context: dict[str, Any] = {"partition": self._claimed.get("account_id", "")}
        credential = self.delivery.credential
        if credential is not None:
            try:
                with MonzoClient.of(credential) as client:
                    return client.transaction(self._claimed["id"]), context
            except IntegrationError as error:
                logger.warning("a delivery is taken unverified, as Monzo was not to be asked: %s", error)
        return self._claimed, {**context, "unverified": True}
