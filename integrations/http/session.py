"""The one way to call a vendor: pooled, guarded, limited, retried by policy, logged without secrets."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypedDict, TypeVar, Unpack, overload

from requests.auth import AuthBase

from integrations.http.authenticator import Authenticator
from integrations.http.closing import Closing
from integrations.http.deadline import Deadline
from integrations.http.errors import IntegrationError, Unauthorized
from integrations.http.exchange import Body, Call, Exchange, Explain, Headers, Params
from integrations.http.pacing import CallBudget, Pacer
from integrations.http.patience import current_patience
from integrations.http.response import ApiResponse
from integrations.http.retry import RetryPolicy
from integrations.http.transport import checked_trust, keep_secret, new_http
from integrations.http.urls import check_base_url, host_of, join_url

__all__ = ["ApiResponse", "ApiSession", "CallOptions"]

T = TypeVar("T")

logger = logging.getLogger("syncplatform.http")

MAX_BODY_BYTES = 64 * 1024 * 1024
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_FAILED = "%s failed: error_code=%s status=%s elapsed=%.3f attempt=%d provider=%s: %s"
_DONE = "%s status=%d elapsed=%.3f attempt=%d provider=%s"
_DEFAULT_RETRY = RetryPolicy()


class CallOptions(TypedDict, total=False):
    """The keyword arguments of `ApiSession.request` besides `parse`; timeouts are in seconds."""

    params: Params | None
    json: Any
    data: Body | None
    headers: Headers | None
    idempotent: bool | None
    retry: RetryPolicy | None
    cost: int
    connect_timeout: float | None
    read_timeout: float | None
    total_timeout: float | None


class ApiSession(Closing):
    """Calls to one vendor API. Threads may share a session; use it as a context manager or call `close()`.

    `base_url` may have a path prefix. `auth` is a (user, password) pair or a requests auth object;
    `authenticator` gives the headers of each call, and others once when they are answered with 401. Timeouts
    are in seconds: to connect (per address), per read, and in total for one `request` with all its attempts
    and waits (None: no limit). Each attempt waits for `budget`, the vendor's limits as all processes share
    them (docs/connections.md), and for `pacer`. `verify` is True, the path of a CA bundle, or False, which is
    logged. `secrets` are values to keep out of logs and errors; passwords of `auth` and values of sensitive
    headers are added by themselves. `max_redirects` allows that many redirects of a GET within the same
    scheme, host and port; other redirects are errors. `explain` gets a reply that is no success with its
    usual error, and returns that or the provider's own, before anything is decided about retries. `clock`
    gives seconds since the epoch, for Retry-After dates. Environment proxies and .netrc are not used. Raises
    ValueError for a base URL that cannot be one.
    """

    def __init__(
        self,
        base_url: str,
        *,
        provider: str,
        auth: tuple[str, str] | AuthBase | None = None,
        authenticator: Authenticator | None = None,
        headers: Mapping[str, str] | None = None,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        total_timeout: float | None = None,
        retry: RetryPolicy = _DEFAULT_RETRY,
        pacer: Pacer | None = None,
        budget: CallBudget | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        max_redirects: int = 0,
        verify: bool | str = True,
        secrets: Iterable[str] = (),
        explain: Explain | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.provider = provider
        self._base_url = check_base_url(base_url)
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._total_timeout = total_timeout
        self._patience = current_patience()
        self._retry = retry
        self._authenticator = authenticator
        self._pacer = pacer
        self._budget = budget
        self._sleep = sleep
        keep_secret(auth, headers or {}, secrets)
        self._exchange = Exchange(
            http=new_http(auth, headers or {}),
            provider=provider,
            verify=checked_trust(verify, host_of(base_url), provider),
            max_body_bytes=max_body_bytes,
            max_redirects=max_redirects,
            clock=clock,
            explain=explain,
            observe=None if budget is None else budget.observe,
        )

    def close(self) -> None:
        """Close all pooled connections."""
        self._exchange.http.close()

    @overload
    def request(
        self, method: str, path: str = "", *, parse: None = None, **options: Unpack[CallOptions]
    ) -> ApiResponse: ...

    @overload
    def request(
        self,
        method: str,
        path: str = "",
        *,
        parse: Callable[[ApiResponse], T],
        **options: Unpack[CallOptions],
    ) -> T: ...

    def request(
        self,
        method: str,
        path: str = "",
        *,
        params: Params | None = None,
        json: Any = None,
        data: Body | None = None,
        headers: Headers | None = None,
        idempotent: bool | None = None,
        parse: Callable[[ApiResponse], T] | None = None,
        retry: RetryPolicy | None = None,
        cost: int = 1,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
        total_timeout: float | None = None,
    ) -> ApiResponse | T:
        """The complete reply (status 2xx or 304), or what `parse` makes of it.

        `path` is joined to the base URL; an absolute URL of the same host is taken too. `parse` runs inside
        the retry loop, so a BadReply it raises is retried as the policy says. `idempotent` says whether the
        request may be sent more than once; None means yes for GET, HEAD, OPTIONS, PUT and DELETE only.
        `retry` and the timeouts replace the session's for this call. `cost` is what it takes from the budget,
        at every attempt. Raises IntegrationError: the last
        attempt's.
        """
        method = method.upper()
        total = self._total_timeout if total_timeout is None else total_timeout
        policy = self._patient(retry or self._retry)
        may_renew = [self._authenticator is not None]
        call = Call(
            method=method,
            url=self._url(path),
            params=params,
            json=json,
            data=data,
            headers=headers,
            connect_timeout=self._connect_timeout if connect_timeout is None else connect_timeout,
            read_timeout=self._read_timeout if read_timeout is None else read_timeout,
            deadline=None if total is None else Deadline(total),
        )
        return policy.run(
            lambda attempt: self._attempt(call, attempt, policy, parse, cost, may_renew),
            idempotent=method in _IDEMPOTENT_METHODS if idempotent is None else idempotent,
            total_timeout=total,
            sleep=self._sleep,
        )

    def _url(self, path: str) -> str:
        try:
            return join_url(self._base_url, path)
        except IntegrationError as error:
            error.provider = self.provider
            raise

    def _patient(self, policy: RetryPolicy) -> RetryPolicy:
        """The policy, with longer waits in place where the session was opened with patience."""
        if self._patience <= policy.max_wait_in_place:
            return policy
        return replace(policy, max_wait_in_place=self._patience)

    def _attempt(
        self,
        call: Call,
        attempt: int,
        policy: RetryPolicy,
        parse: Callable[[ApiResponse], T] | None,
        cost: int,
        may_renew: list[bool],
    ) -> ApiResponse | T:
        self._wait_turn(call, policy, cost)
        started = time.monotonic()
        try:
            response = self._authenticated(call, attempt, policy, cost, may_renew)
            result = response if parse is None else parse(response)
        except IntegrationError as error:
            error.provider = error.provider or self.provider
            timing = self._timing(started, attempt)
            logger.warning(_FAILED, call.where, error.code, error.status, *timing, error.message)
            raise
        logger.debug(_DONE, call.where, response.status, *self._timing(started, attempt))
        return result

    def _wait_turn(self, call: Call, policy: RetryPolicy, cost: int) -> None:
        if self._budget is not None:
            self._budget.acquire(cost, patience=policy.max_wait_in_place, deadline=call.deadline)
        if self._pacer is not None:
            self._pacer.wait()

    def _authenticated(
        self, call: Call, attempt: int, policy: RetryPolicy, cost: int, may_renew: list[bool]
    ) -> ApiResponse:
        """Send it with the authenticator's headers; once a request, a 401 is answered by renewing them."""
        auth = self._authenticator
        if auth is None:
            return self._exchange.run(call, attempt, max_retry_after=policy.max_retry_after)
        carried = auth.headers()
        try:
            return self._exchange.run(
                _with_headers(call, carried), attempt, max_retry_after=policy.max_retry_after
            )
        except Unauthorized as error:
            if not (error.renewable and may_renew[0]):
                auth.refused(error)
                raise
        may_renew[0] = False
        logger.info("%s was answered with 401: renewing the token, then trying once more", call.where)
        auth.renew(carried)
        self._wait_turn(call, policy, cost)
        return self._authenticated(call, attempt, policy, cost, may_renew)

    def _timing(self, started: float, attempt: int) -> tuple[float, int, str]:
        return time.monotonic() - started, attempt, self.provider


def _with_headers(call: Call, headers: Mapping[str, str]) -> Call:
    return replace(call, headers={**headers, **(call.headers or {})})
