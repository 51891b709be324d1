"""What a consent makes: whose it is, the connections, and the job that reads the history."""

from __future__ import annotations

from django.db import transaction

from integrations.http.errors import BadReply
from integrations.models import Credential, Integration
from integrations.oauth import Identity
from integrations.polling.connecting import queue_initialization
from integrations.providers.monzo.client import PROVIDER, MonzoClient
from integrations.tokens import TokenReply

NAMES = {
    "accounts": "Monzo accounts",
    "transactions": "Monzo transactions",
    "pots": "Monzo pots",
    "balances": "Monzo balances",
}
POLL_MINUTES = 30


def identify(reply: TokenReply) -> Identity:
    """Whose token it is, as Monzo says. Raises IntegrationError when the token does not work."""
    with MonzoClient.of_reply(reply) as client:
        found = client.whoami()
    user_id = found.get("user_id")
    if found.get("authenticated") is not True or not isinstance(user_id, str) or not user_id:
        raise BadReply("whoami names no user", provider=PROVIDER)
    return Identity(user_id, f"Monzo {user_id[-6:]}")


def forget(reply: TokenReply) -> None:
    """End a token that is not kept."""
    with MonzoClient.of_reply(reply) as client:
        client.logout()


@transaction.atomic
def connected(credential: Credential) -> None:
    """Make the connections or restore removed ones.

    The history is queued at once, as it is open for five minutes; after a reconnect again: it may hold what
    was missed meanwhile.
    """
    for instance_type, name in NAMES.items():
        connection, is_new = Integration.objects.get_or_create(
            credential=credential,
            instance_type=instance_type,
            defaults={
                "account": credential.account,
                "user": credential.user,
                "provider": PROVIDER,
                "name": name,
                "external_id": credential.external_id,
                "configuration": {"update_frequency_minutes": POLL_MINUTES},
            },
        )
        Integration.objects.filter(pk=connection.pk).update(deleted_at=None)
        if not is_new:
            queue_initialization(connection, force=True)
