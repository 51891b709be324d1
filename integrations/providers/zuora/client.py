"""The Zuora client: one pooled session a customer, five tries, at most four calls at once."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from time import sleep
from typing import Any, TypeVar

import msgspec
from django.conf import settings

from integrations.http.closing import Closing
from integrations.http.errors import (
    ConnectionFailed,
    IntegrationError,
    RateLimited,
    TimedOut,
    Unauthorized,
)
from integrations.http.limits import Limits, Window, shared_budget
from integrations.http.paginators import NumberedPage
from integrations.http.response import ApiResponse
from integrations.http.retry import RetryOn, RetryPolicy
from integrations.http.retry_after import MAX_RETRY_AFTER
from integrations.http.session import ApiSession
from integrations.http.slices import EnvelopeReader
from integrations.http.urls import join_url
from integrations.providers.zuora.access import Access
from integrations.providers.zuora.errors import (
    PROVIDER,
    ZuoraAuthenticationError,
    ZuoraConnectionError,
    ZuoraHttpError,
    ZuoraRateLimitError,
)
from integrations.providers.zuora.limits import Throttle
from integrations.providers.zuora.replies import explain, refusal_inside_success
from integrations.tokens import ClientCredentials, ClientSecrets, TokenEndpoint

T = TypeVar("T")
ErrorT = TypeVar("ErrorT", bound=IntegrationError)

PAGE_LENGTH = 50
TASK_PAGE_LENGTH = 100
MAX_IN_FLIGHT = 4
PATIENCE_SECONDS = 10.0
INLINE_PATIENCE_SECONDS = 120.0
CONNECT_SECONDS = 10.0
READ_SECONDS = 130.0
ATTEMPTS = 5
WAIT_MAX_SECONDS = 10.0
RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})
TOKEN_PATH = "oauth/token"  # noqa: S105
TOKENS_PER_MINUTE = 80
ONCE = RetryPolicy(attempts=1)


class ZuoraClient(Closing):
    """Reads one customer's workflows: docs/zuora.md. Threads may share it; close it.

    A wait of up to ten seconds, asked for by Zuora or by the rule of the last twentieth, is slept; a longer
    one is a ZuoraRateLimitError. With `inline` (nobody else could go on meanwhile) two minutes are slept, and
    longer waits are cut to that. `track_id` is echoed by Zuora and may be given to its support.
    """

    def __init__(self, access: Access, *, inline: bool = False, track_id: str = "") -> None:
        self._longest_wait = INLINE_PATIENCE_SECONDS if inline else MAX_RETRY_AFTER
        patience = INLINE_PATIENCE_SECONDS if inline else PATIENCE_SECONDS
        self._access = access
        self.throttle = Throttle(sleep=sleep)
        self._slots = threading.BoundedSemaphore(MAX_IN_FLIGHT)
        policy = _policy(patience, self._longest_wait)
        self._token = _token(access, policy)
        self._session = ApiSession(
            access.base_url,
            provider=PROVIDER,
            headers={"Accept": "application/json", **({"Zuora-Track-Id": track_id} if track_id else {})},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retry=policy,
            authenticator=self._token,
            budget=self.throttle,
            secrets=(access.client_secret,),
            explain=self._explain,
            sleep=sleep,
        )

    def close(self) -> None:
        """Let go of the pooled connections."""
        self._session.close()

    def sign_in(self) -> None:
        """Have a token. Raises IntegrationError, ZuoraAuthenticationError when the client is refused."""
        self._told(self._token.token)

    def workflow_page(self, number: int) -> NumberedPage:
        """One page of the definitions, from 1. Raises IntegrationError as every call does."""
        return self._page("workflows", {"page": number, "page_length": PAGE_LENGTH})

    def task_page(self, number: int) -> NumberedPage:
        """One page of the tasks that belong to runs, from 1."""
        query = {"instance": "true", "page": number, "page_length": TASK_PAGE_LENGTH}
        return self._page("workflows/tasks", query)

    def workflow(self, zuora_id: int) -> msgspec.Raw | None:
        """One definition; None when Zuora says that it does not exist."""
        return self._one(f"workflows/{zuora_id}")

    def run(self, zuora_id: int) -> msgspec.Raw | None:
        """One run; None when it does not exist any more: Zuora purges runs after some weeks."""
        return self._one(f"workflows/workflow_runs/{zuora_id}")

    def check(self) -> None:
        """Ask for a new token and the smallest page, once each. Raises IntegrationError."""
        self._told(self._token.check)
        self._get("workflows", {"page": 1, "page_length": 1}, _page_of, ONCE)

    def _page(self, path: str, query: dict[str, Any]) -> NumberedPage:
        return self._get(path, query, _page_of)

    def _one(self, path: str) -> msgspec.Raw | None:
        try:
            return self._get(path, {}, _object_of)
        except ZuoraHttpError as error:
            if error.status == 404 and error.by_zuora:
                return None
            raise

    def _get(
        self,
        path: str,
        query: dict[str, Any],
        read: Callable[[ApiResponse], T],
        retry: RetryPolicy | None = None,
    ) -> T:
        """One call, with its tries; a token that is refused is replaced once."""

        def send() -> T:
            with self._slots:
                return self._session.request(
                    "GET", path, params=query, headers=self._access.headers(), parse=read, retry=retry
                )

        return self._told(send)

    def _told(self, call: Callable[[], T]) -> T:
        """What a call gives. Raises its errors in Zuora's terms."""
        try:
            return call()
        except (ZuoraAuthenticationError, ZuoraRateLimitError):
            raise
        except Unauthorized as error:
            raise _as(ZuoraAuthenticationError, error) from error
        except RateLimited as error:
            raise _as(ZuoraRateLimitError, error) from error
        except (ConnectionFailed, TimedOut) as error:
            raise _as(ZuoraConnectionError, error) from error

    def _explain(self, response: ApiResponse, error: IntegrationError) -> IntegrationError:
        return explain(response, error, longest_wait=self._longest_wait)


class _Outcome(msgspec.Struct):
    success: bool = True


class _Pagination(msgspec.Struct):
    next_page: str | None = None


class _Envelope(msgspec.Struct):
    data: list[msgspec.Raw]
    pagination: _Pagination | None = None


_read_outcome = EnvelopeReader(_Outcome)
_read_envelope = EnvelopeReader(_Envelope)


def _accepted(response: ApiResponse) -> ApiResponse:
    """The reply, unless it reports a failure in spite of its status."""
    if not _read_outcome(response).success:
        raise refusal_inside_success(response)
    return response


def _object_of(response: ApiResponse) -> msgspec.Raw:
    return msgspec.Raw(_accepted(response).content)


def _page_of(response: ApiResponse) -> NumberedPage:
    envelope = _read_envelope(_accepted(response))
    has_more = envelope.pagination is not None and bool(envelope.pagination.next_page)
    return NumberedPage(envelope.data, has_more=has_more and bool(envelope.data))


def _as(kind: type[ErrorT], error: IntegrationError) -> ErrorT:
    """The same failure as an error of Zuora's."""
    return kind(
        error.message,
        provider=PROVIDER,
        status=error.status,
        retry_after=error.retry_after,
        action=error.action,
        excerpt=error.excerpt,
    )


def _policy(patience: float, longest_wait: float) -> RetryPolicy:
    return RetryPolicy(
        attempts=ATTEMPTS,
        wait_max=WAIT_MAX_SECONDS,
        jitter=0.0,
        full_jitter=True,
        retry_statuses=RETRY_STATUSES,
        retry_exceptions=RetryOn.CONNECTION | RetryOn.TIMEOUT | RetryOn.BAD_REPLY,
        max_wait_in_place=patience,
        max_retry_after=longest_wait,
    )


def _token(access: Access, policy: RetryPolicy) -> ClientCredentials:
    """The token that all processes share: by address, client and entity, and only with the same secret."""
    key = settings.SECRET_KEY.encode()
    proof = hmac.new(key, access.client_secret.encode(), hashlib.sha256).hexdigest()
    endpoint = TokenEndpoint(
        PROVIDER,
        join_url(access.base_url, TOKEN_PATH),
        refusals=frozenset({400, 401, 403}),
        budget=shared_budget(Limits(PROVIDER, "token endpoint", (Window(TOKENS_PER_MINUTE, 60),))),
    )
    return ClientCredentials(
        endpoint,
        ClientSecrets(access.client_id, access.client_secret),
        identity=f"{access.entity_id} {proof}",
        retry=policy,
        cooldown=0.0,
        sleep=sleep,
    )
