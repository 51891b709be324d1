"""The ServiceTitan client: five tries, 100 seconds each, a shared call budget, never past the deadline."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from django.conf import settings

from integrations.http.closing import Closing
from integrations.http.deadline import Deadline
from integrations.http.errors import (
    BadReply,
    ConnectionFailed,
    IntegrationError,
    RateLimited,
    ServerError,
    TimedOut,
)
from integrations.http.limits import Limits, Window, shared_budget
from integrations.http.response import ApiResponse, json_body
from integrations.http.retry import RetryOn, RetryPolicy
from integrations.http.session import ApiSession
from integrations.http.urls import join_url
from integrations.providers.servicetitan.errors import (
    UNAVAILABLE,
    InvalidCredentialsError,
    RateLimitExceededError,
    ServiceTitanApiError,
    ServiceTitanError,
    SyncTimeoutError,
    explain,
)
from integrations.providers.servicetitan.models import ServiceTitanCredential
from integrations.providers.servicetitan.slug import PROVIDER
from integrations.tokens import ClientCredentials, ClientSecrets, TokenEndpoint, TokenRefused

T = TypeVar("T")

MODULES = {"customers": "crm", "invoices": "accounting"}
TOKEN_PATH = "connect/token"  # noqa: S105
ONCE = RetryPolicy(attempts=1)
TRIES = 5
RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})
WAITS_IN_A_WORKER = 10.0
WAITS_IN_THE_FOREGROUND = 120.0
NO_DEADLINE = 24 * 3600.0


def retry_policy(*, foreground: bool) -> RetryPolicy:
    """Waits of 1, 2, 4 and 8 s with full jitter. A vendor that says when is waited for: up to 10 s in a
    worker, which postpones its job otherwise, and up to 120 s in the foreground."""
    return RetryPolicy(
        attempts=TRIES,
        wait_multiplier=1.0,
        wait_max=8.0,
        jitter=0.5,
        full_jitter=True,
        retry_statuses=RETRY_STATUSES,
        retry_exceptions=RetryOn.CONNECTION | RetryOn.TIMEOUT,
        max_wait_in_place=WAITS_IN_THE_FOREGROUND if foreground else WAITS_IN_A_WORKER,
        max_retry_after=WAITS_IN_THE_FOREGROUND if foreground else 3600.0,
    )


def limits(credential: ServiceTitanCredential) -> Limits:
    """The call budget of an app key and a tenant, which every worker shares."""
    app = hashlib.sha256(credential.app_key.encode()).hexdigest()[:8]
    return Limits(
        PROVIDER,
        f"tenant {credential.tenant_id} ({credential.environment}), app {app}",
        (Window(settings.SERVICETITAN_REQUESTS_PER_SECOND, 1),),
        account_id=credential.account_id,
    )


class ServiceTitanClient(Closing):
    """Reads one tenant's records with one credential: docs/servicetitan.md. Close it, or use it in `with`.

    `deadline` bounds everything it does (None: a day). `foreground` is how long it may wait for the vendor:
    see `retry_policy`. `sleep` waits between tries; it may raise to stop.
    """

    def __init__(
        self,
        credential: ServiceTitanCredential,
        *,
        deadline: Deadline | None = None,
        foreground: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tenant = credential.tenant_id
        self._deadline = deadline or Deadline(NO_DEADLINE)
        self._policy = retry_policy(foreground=foreground)
        self._foreground = foreground
        self._sleep = sleep
        self._token = _token(credential, self._deadline)
        self._session = ApiSession(
            getattr(settings, f"SERVICETITAN_{credential.environment.upper()}_API_URL"),
            provider=PROVIDER,
            headers={"ST-App-Key": credential.app_key},
            secrets=(credential.app_key, credential.client_secret),
            read_timeout=settings.SERVICETITAN_TIMEOUT,
            retry=ONCE,
            authenticator=self._token,
            budget=shared_budget(limits(credential)),
            explain=explain,
        )

    def close(self) -> None:
        """Let go of the pooled connections."""
        self._session.close()

    def log_in(self) -> None:
        """Get a token. Raises InvalidCredentialsError or ServiceTitanApiError."""
        self._retried(self._token.token)

    def look(self) -> None:
        """Ask for one customer, to see whether the credential works. Raises ServiceTitanError."""
        self.listing("customers", {"pageSize": "1", "active": "Any"}, json_body)

    def export(self, kind: str, params: Mapping[str, str], parse: Callable[[ApiResponse], T]) -> T:
        """One page of an export feed (`customers` or `invoices`). Raises ServiceTitanError."""
        return self._get(f"{self._base(kind)}/export/{kind}", params, parse)

    def listing(self, kind: str, params: Mapping[str, str], parse: Callable[[ApiResponse], T]) -> T:
        """One page of a list (`customers` or `invoices`). Raises ServiceTitanError."""
        return self._get(f"{self._base(kind)}/{kind}", params, parse)

    def _base(self, kind: str) -> str:
        return f"{MODULES[kind]}/v2/tenant/{self._tenant}"

    def _get(self, path: str, params: Mapping[str, str], parse: Callable[[ApiResponse], T]) -> T:
        return self._retried(lambda: self._send(path, params, parse))

    def _send(self, path: str, params: Mapping[str, str], parse: Callable[[ApiResponse], T]) -> T:
        return self._session.request(
            "GET", path, params=dict(params), parse=parse, total_timeout=self._seconds()
        )

    def _seconds(self) -> float:
        """How long one call may take. Raises SyncTimeoutError when no time is left."""
        left = self._deadline.remaining()
        if left <= 0:
            raise SyncTimeoutError("the time for this sync is used up")
        return min(float(settings.SERVICETITAN_TIMEOUT), left)

    def _retried(self, call: Callable[[], T]) -> T:
        try:
            return self._policy.run(
                lambda number: call(),
                idempotent=True,
                total_timeout=self._deadline.remaining(),
                sleep=self._sleep,
            )
        except IntegrationError as error:
            self._raise(error)

    def _raise(self, error: IntegrationError) -> NoReturn:
        """Raise what a failed call means for a sync."""
        if isinstance(error, RateLimitExceededError) and self._foreground:
            error.action = ServiceTitanApiError.action
        if isinstance(error, ServiceTitanError) and not self._out_of_time(error):
            raise error
        if isinstance(error, TokenRefused):
            raise InvalidCredentialsError(error.message, error.status) from error
        if self._out_of_time(error):
            raise SyncTimeoutError(f"the time for this sync is used up: {error.message}") from error
        raise translated(error, foreground=self._foreground) from error

    def _out_of_time(self, error: IntegrationError) -> bool:
        return isinstance(error, TimedOut) and self._deadline.remaining() <= 0


def _token(credential: ServiceTitanCredential, deadline: Deadline) -> ClientCredentials:
    """The token that all processes share: by environment and client, and only with the same secret."""
    host = getattr(settings, f"SERVICETITAN_{credential.environment.upper()}_AUTH_URL")
    key = settings.SECRET_KEY.encode()
    proof = hmac.new(key, credential.client_secret.encode(), hashlib.sha256).hexdigest()
    return ClientCredentials(
        TokenEndpoint(PROVIDER, join_url(host, TOKEN_PATH), deadline=deadline),
        ClientSecrets(credential.client_id, credential.client_secret),
        identity=f"{credential.environment} {proof}",
        retry=ONCE,
        cooldown=0.0,
    )


def translated(error: IntegrationError, *, foreground: bool) -> ServiceTitanError:
    """An error of the session in ServiceTitan's terms."""
    details: dict[str, Any] = {"excerpt": error.excerpt, "action": error.action}
    if isinstance(error, RateLimited):
        if foreground:
            details["action"] = ServiceTitanApiError.action
        return RateLimitExceededError(error.message, error.retry_after, status_code=error.status, **details)
    advice = UNAVAILABLE if _is_unavailable(error) else error.actionable_message
    if isinstance(error, BadReply):
        details["action"] = ServiceTitanApiError.action
    return ServiceTitanApiError(error.message, error.status, actionable_message=advice, **details)


def _is_unavailable(error: IntegrationError) -> bool:
    return isinstance(error, ConnectionFailed | TimedOut | ServerError)
