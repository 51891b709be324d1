"""Monzo's API as far as it is read: docs/monzo.md, "Calls". Nothing moves money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.conf import settings

from integrations.http.authenticator import Authenticator
from integrations.http.closing import Closing
from integrations.http.errors import BadReply
from integrations.http.limits import Limits, Window, shared_budget
from integrations.http.response import ApiResponse, json_body
from integrations.http.retry import RetryOn, RetryPolicy
from integrations.http.session import ApiSession
from integrations.models import Credential
from integrations.oauth.applications import client_for
from integrations.providers.monzo.errors import explain
from integrations.tokens import ClientSecrets, CredentialToken, TokenEndpoint, TokenReply

PROVIDER = "monzo"
PAGE = 100
MAX_BODY_BYTES = 8 * 1024 * 1024
POLICY = RetryPolicy(
    attempts=3,
    retry_statuses=frozenset({429, 500, 502, 503, 504}),
    retry_exceptions=RetryOn.CONNECTION | RetryOn.TIMEOUT,
)
# Monzo publishes no figure: what a person's own app would hardly do.
CALLS = Window(calls=50, seconds=5)

Record = dict[str, Any]
T = TypeVar("T")


def token_endpoint() -> TokenEndpoint:
    """Where tokens come from. A refused refresh is answered with 400 or 401, whatever else it says."""
    url = f"{settings.MONZO_API_BASE.rstrip('/')}/oauth2/token"
    return TokenEndpoint(PROVIDER, url, refusals=frozenset({400, 401, 403}))


class _FreshToken:
    """The token of somebody who just consented, before it is stored."""

    def __init__(self, reply: TokenReply) -> None:
        self._reply = reply

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._reply.access_token}"}

    def renew(self, refused: Mapping[str, str]) -> None:
        """There is nothing newer."""

    def refused(self, error: Exception) -> None:
        """Nothing is stored that could be marked."""


class MonzoClient(Closing):
    """Reads one person's accounts. Close it, or use it as a context manager.

    Every method raises IntegrationError; those of `errors.py` say what Monzo means.
    """

    def __init__(self, authenticator: Authenticator, scope: str, account_id: int | None = None) -> None:
        self._session = ApiSession(
            settings.MONZO_API_BASE,
            provider=PROVIDER,
            authenticator=authenticator,
            headers={"Accept": "application/json"},
            connect_timeout=5.0,
            read_timeout=30.0,
            total_timeout=90.0,
            retry=POLICY,
            budget=shared_budget(Limits(PROVIDER, scope, (CALLS,), account_id)),
            max_body_bytes=MAX_BODY_BYTES,
            explain=explain,
        )

    @classmethod
    def of(cls, credential: Credential) -> MonzoClient:
        """With the token of a credential, refreshed when needed."""

        def client() -> ClientSecrets:
            return client_for(credential)

        token = CredentialToken(credential, token_endpoint(), client)
        return cls(token, f"credential {credential.pk}", credential.account_id)

    @classmethod
    def of_reply(cls, reply: TokenReply) -> MonzoClient:
        """With a token that is not stored yet."""
        return cls(_FreshToken(reply), "people who connect")

    def close(self) -> None:
        """Let go of the pooled connections."""
        self._session.close()

    def whoami(self) -> Record:
        """Whose token it is: authenticated, client_id, user_id."""
        return self._get("ping/whoami", _object)

    def logout(self) -> None:
        """End the token and its refresh token."""
        self._session.request("POST", "oauth2/logout", idempotent=True)

    def accounts(self) -> list[Record]:
        """Every account of the owner, closed ones too. Raises NotApproved before the approval."""
        return self._get("accounts", _list("accounts"))

    def balance(self, account_id: str) -> Record:
        """What is in an account now, in minor units."""
        return self._get("balance", _object, account_id=account_id)

    def pots(self, account_id: str) -> list[Record]:
        """The pots of a current account, deleted ones too."""
        return self._get("pots", _list("pots"), current_account_id=account_id)

    def transactions(self, account_id: str, *, since: datetime | str, before: datetime) -> list[Record]:
        """At most a hundred transactions, oldest first, merchants expanded: from a time or after an id.

        Raises HistoryTooOld, RangeTooLong, or NotApproved for an account that may not be read.
        """
        return self._get(
            "transactions",
            _list("transactions"),
            account_id=account_id,
            since=since if isinstance(since, str) else timestamp(since),
            before=timestamp(before),
            limit=str(PAGE),
            **{"expand[]": "merchant"},
        )

    def transaction(self, transaction_id: str) -> Record:
        """One transaction with its merchant. Raises NotFound."""
        return self._get(f"transactions/{transaction_id}", _member("transaction"), **{"expand[]": "merchant"})

    def webhooks(self, account_id: str) -> list[Record]:
        """The addresses that transactions of an account are sent to."""
        return self._get("webhooks", _list("webhooks"), account_id=account_id)

    def register_webhook(self, account_id: str, url: str) -> Record:
        """Have transactions of an account sent to an address."""
        form = {"account_id": account_id, "url": url}
        return self._session.request("POST", "webhooks", data=form, parse=_member("webhook"))

    def delete_webhook(self, webhook_id: str) -> None:
        """Send nothing to an address any more."""
        self._session.request("DELETE", f"webhooks/{webhook_id}")

    def _get(self, path: str, parse: Callable[[ApiResponse], T], **params: str) -> T:
        return self._session.request("GET", path, params=params, parse=parse)


def timestamp(moment: datetime) -> str:
    """A time as Monzo writes it: UTC, milliseconds and a Z."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def _object(response: ApiResponse) -> Record:
    document = json_body(response)
    if not isinstance(document, dict):
        raise BadReply("the reply is no object", status=response.status, excerpt=response.content)
    return document


def _list(name: str) -> Callable[[ApiResponse], list[Record]]:
    def parse(response: ApiResponse) -> list[Record]:
        found = _object(response).get(name)
        if not isinstance(found, list):
            raise BadReply(
                f"the reply has no list {name!r}", status=response.status, excerpt=response.content
            )
        return found

    return parse


def _member(name: str) -> Callable[[ApiResponse], Record]:
    def parse(response: ApiResponse) -> Record:
        found = _object(response).get(name)
        if not isinstance(found, dict):
            raise BadReply(f"the reply has no {name!r}", status=response.status, excerpt=response.content)
        return found

    return parse
