"""The one error taxonomy: each error says what to do, whose fault it is and what the operator should do."""

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from integrations.http.retry_after import MAX_RETRY_AFTER, parse_retry_after
from synclogs import redaction


class Action(StrEnum):
    """What the engine does with an error."""

    RETRY = "retry"
    POSTPONE = "postpone"
    STOP = "stop"
    SKIP_RECORD = "skip_record"


class Fault(StrEnum):
    """Whose fault an error is."""

    VENDOR = "vendor"
    CREDENTIAL = "credential"
    DATA = "data"
    US = "us"


class IntegrationError(Exception):
    """Root of everything that can go wrong with a vendor; raise a subclass.

    `code` is a stable slug for ledger and alerts, `retry_after` is in seconds, `excerpt` holds at most 500
    redacted characters of the body. Class attributes are the defaults of a kind; arguments override them.
    """

    code: str = "integration"
    action: Action = Action.STOP
    fault: Fault = Fault.US
    summary: str = "the integration failed"
    actionable_message: str = "Read the run's log; if it does not explain the failure, report it as a bug."

    def __init__(
        self,
        message: str = "",
        *,
        provider: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        excerpt: str | bytes = "",
        action: Action | None = None,
        fault: Fault | None = None,
        actionable_message: str | None = None,
    ) -> None:
        self.message = " ".join(redaction.redact_text(message).split()) or self.summary
        super().__init__(self.message)
        self.provider = provider
        self.status = status
        self.retry_after = retry_after
        self.excerpt = redaction.excerpt(excerpt)
        self.action = action or self.action
        self.fault = fault or self.fault
        self.actionable_message = actionable_message or self.actionable_message

    def __str__(self) -> str:
        return f"{self.provider}: {self.message}" if self.provider else self.message


class ConnectionFailed(IntegrationError):
    """No connection, or one that broke before the reply was complete."""

    code = "connection"
    action = Action.RETRY
    fault = Fault.VENDOR
    summary = "the connection failed"
    actionable_message = (
        "Check that the vendor's host is up and reachable from this machine; it is tried again."
    )


class TimedOut(IntegrationError):
    """No complete reply in time, or a vendor that says so itself (408, 425)."""

    code = "timeout"
    action = Action.RETRY
    fault = Fault.VENDOR
    summary = "no complete reply in time"
    actionable_message = "It is tried again; if it persists, ask for less per request or raise the timeout."


class DeadlinePassed(TimedOut):
    """The time that the whole piece of work was given is used up; what was committed stays."""

    code = "deadline"
    action = Action.STOP
    fault = Fault.US
    summary = "the time for this work is used up"
    actionable_message = "Run it again: it goes on where it stopped. If it recurs, allow it more time."


class RateLimited(IntegrationError):
    """The vendor's limit is spent (429)."""

    code = "rate_limited"
    action = Action.POSTPONE
    fault = Fault.VENDOR
    summary = "the vendor's rate limit is spent"
    actionable_message = (
        "Nothing to do: work goes on when the vendor allows it. If it recurs, lower the rate."
    )


class BudgetSpent(RateLimited):
    """The calls that a vendor allows are used up for longer than is waited in place; nothing was sent."""

    code = "budget_spent"
    fault = Fault.US
    summary = "the call budget is spent"
    actionable_message = (
        "Nothing to do: work goes on when there are calls again. If it recurs, look at the call budgets."
    )


class ServerError(IntegrationError):
    """The vendor failed (5xx)."""

    code = "server_error"
    action = Action.RETRY
    fault = Fault.VENDOR
    summary = "the vendor's server failed"
    actionable_message = "It is tried again; if it persists, look at the vendor's status page."


class Unauthorized(IntegrationError):
    """The credential was refused (401). A new token can help, unless it is not `renewable`."""

    code = "unauthorized"
    renewable: bool = True
    fault = Fault.CREDENTIAL
    summary = "the credential was refused"
    actionable_message = "Enter a valid credential or reconnect the integration, then run it again."


class Forbidden(IntegrationError):
    """The credential is known but may not do this (403)."""

    code = "forbidden"
    fault = Fault.CREDENTIAL
    summary = "the credential lacks a permission"
    actionable_message = "Grant the credential the missing permission at the vendor, then run it again."


class NotFound(IntegrationError):
    """The record or address does not exist at the vendor (404, 410)."""

    code = "not_found"
    fault = Fault.DATA
    summary = "not found at the vendor"
    actionable_message = "Check the record's id at the vendor and the configured API address."


class Conflict(IntegrationError):
    """The record is in another state than the request assumes (409)."""

    code = "conflict"
    fault = Fault.DATA
    summary = "the vendor reports a conflict"
    actionable_message = "Compare the record with the vendor's copy, then run it again."


class BadRequest(IntegrationError):
    """The vendor does not accept the request (any other 4xx), or it could not be built."""

    code = "bad_request"
    summary = "the vendor refused the request"
    actionable_message = "Check the integration's configuration against the excerpt; else report it as a bug."


class BadReply(IntegrationError):
    """A reply that is not what its documentation promises."""

    code = "bad_reply"
    action = Action.RETRY
    fault = Fault.VENDOR
    summary = "the reply is not what was promised"
    actionable_message = "Look at the excerpt; if it persists, the vendor changed its API or a proxy answers."


class BodyTooLarge(IntegrationError):
    """A body larger than the limit, on the wire or after decompression."""

    code = "body_too_large"
    fault = Fault.VENDOR
    summary = "the reply is too large"
    actionable_message = "Ask for less per request (smaller pages or a filter), or raise the body limit."


class PrivateAddressRefused(IntegrationError):
    """The host's address is loopback, private or otherwise not public, and not configured as allowed."""

    code = "private_address"
    summary = "the address is not public"
    actionable_message = "If the host is meant, add it to HTTP_ALLOWED_PRIVATE_HOSTS."


class TlsFailed(IntegrationError):
    """No trustworthy TLS connection."""

    code = "tls"
    fault = Fault.VENDOR
    summary = "no trustworthy TLS connection"
    actionable_message = (
        "Check the host's certificate; for one of your own authority, configure its CA bundle."
    )


class ProtocolError(IntegrationError):
    """The vendor reports an error inside a successful HTTP reply."""

    code = "protocol"
    fault = Fault.VENDOR
    summary = "the vendor reports an error"
    actionable_message = "Read the vendor's message and correct the configuration or the record it names."


class RecordError(IntegrationError):
    """One record that cannot be taken; the run goes on without it.

    `field` names what is wrong with it, `code` says in what way ("too_long").
    """

    code = "record"
    action = Action.SKIP_RECORD
    fault = Fault.DATA
    summary = "the record cannot be taken"
    actionable_message = "Correct the record at the vendor; the next run takes it."

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        field: str = "",
        provider: str = "",
        excerpt: str | bytes = "",
    ) -> None:
        super().__init__(message, provider=provider, excerpt=excerpt)
        self.code = code or self.code
        self.field = field


class ResponseLike(Protocol):
    """What `from_response` needs to know of a response."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...
    @property
    def url(self) -> str: ...


_KIND_OF_STATUS: dict[int, type[IntegrationError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: TimedOut,
    409: Conflict,
    410: NotFound,
    425: TimedOut,
    429: RateLimited,
}


def from_response(
    response: ResponseLike,
    *,
    provider: str = "",
    now: float | None = None,
    max_retry_after: float = MAX_RETRY_AFTER,
) -> IntegrationError:
    """The error for a reply that is not a success: 3xx, 4xx or 5xx.

    `headers` must find names in any case. A redirect becomes a `BadReply` to stop at, since its target is not
    followed. `now` (seconds since the epoch) is what a Retry-After date is counted from.
    """
    status = response.status
    retry_after = parse_retry_after(
        response.headers.get("Retry-After"), now=time.time() if now is None else now, limit=max_retry_after
    )
    if 300 <= status < 400:
        return _redirected(response, provider)
    kind = _KIND_OF_STATUS.get(status, ServerError if status >= 500 else BadRequest)
    return kind(
        f"HTTP {status} from {redaction.redact_url(response.url)} ({kind.summary})",
        provider=provider,
        status=status,
        retry_after=retry_after,
        excerpt=response.content,
    )


def _redirected(response: ResponseLike, provider: str) -> BadReply:
    try:
        target = urlsplit(response.headers.get("Location", "")).hostname or "another path of the same host"
    except ValueError:
        target = "an unreadable address"
    source = redaction.redact_url(response.url)
    return BadReply(
        f"HTTP {response.status} from {source} redirects to {target}, which is not followed",
        provider=provider,
        status=response.status,
        action=Action.STOP,
        fault=Fault.US,
        actionable_message=f"If {target} is the vendor's new address, configure it as the API address.",
    )
