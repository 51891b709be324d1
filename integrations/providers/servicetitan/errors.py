"""What can go wrong with ServiceTitan, and what an operator can do: docs/servicetitan.md, "Errors"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.http.errors import (
    Action,
    Fault,
    IntegrationError,
    RateLimited,
    Unauthorized,
)
from integrations.http.response import ApiResponse, json_object
from integrations.providers.servicetitan.slug import PROVIDER
from synclogs.redaction import redact_text

Details = Mapping[str, Sequence[str]]

UNAVAILABLE = "ServiceTitan is unavailable; the next run will retry"
ADVICE = {
    401: "Check the client ID and secret for this environment",
    403: "The app lacks a scope or the tenant has not accepted the app version",
    404: "Check the tenant ID",
    429: "Rate limit reached; lower concurrency or wait",
}
MAX_TEXT = 300


class ServiceTitanError(IntegrationError):
    """Root of what ServiceTitan's client raises."""

    code = "api"


class ServiceTitanApiError(ServiceTitanError):
    """ServiceTitan did not do what was asked: an error status, a broken reply, or no reply at all.

    `status_code` is None where no reply came; `trace_id` is the vendor's name of the call; `errors` are its
    messages by the name of a parameter.
    """

    code = "api"
    fault = Fault.VENDOR

    def __init__(
        self,
        message: str = "",
        status_code: int | None = None,
        trace_id: str = "",
        errors: Details | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, **{"provider": PROVIDER, "status": status_code} | kwargs)
        self.status_code = status_code
        self.trace_id = trace_id
        self.errors = dict(errors or {})
        if kwargs.get("actionable_message") is None:
            self.actionable_message = advice(status_code, self.errors, self.message)

    def __str__(self) -> str:
        return self.message


class RateLimitExceededError(ServiceTitanApiError, RateLimited):
    """ServiceTitan's rate limit is spent (429); `retry_after` is in seconds, None where it did not say."""

    code = "rate_limit"
    action = Action.POSTPONE
    fault = Fault.VENDOR

    def __init__(self, message: str = "", retry_after: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, **{"status_code": 429, "retry_after": retry_after} | kwargs)


class SyncTimeoutError(ServiceTitanApiError):
    """The time that this sync was given is used up; what was committed before is kept."""

    code = "timeout"
    fault = Fault.US

    def __init__(self, message: str = "", **kwargs: Any) -> None:
        advice = "Nothing is lost: the next run goes on where this one stopped. Raise --timeout if it recurs."
        super().__init__(message, **{"actionable_message": advice} | kwargs)


class InvalidCredentialsError(ServiceTitanError, Unauthorized):
    """ServiceTitan refuses the client, its secret or the app key.

    Deliberately no ServiceTitanApiError: whoever handles that first would never mark the credential.
    """

    code = "auth"
    fault = Fault.CREDENTIAL
    summary = "ServiceTitan refused the credential"
    actionable_message = ADVICE[401]

    def __init__(self, message: str = "", status_code: int | None = None, **kwargs: Any) -> None:
        super().__init__(message, **{"provider": PROVIDER, "status": status_code} | kwargs)
        self.status_code = status_code

    def __str__(self) -> str:
        return self.message


def advice(status: int | None, errors: Details, title: str) -> str:
    """What an operator can do about a status; `title` is what the vendor says of it in short."""
    if status is None or status >= 500:
        return UNAVAILABLE
    if status == 400:
        first = next((messages[0] for messages in errors.values() if messages), "")
        return first or title
    return ADVICE.get(status, title)


def explain(response: ApiResponse, error: IntegrationError) -> IntegrationError:
    """The error for a refused resource call; reads the vendor's body, a gateway's, or none.

    A 401 is answered by a new token first: the session raises this error when that is refused too.
    """
    title, trace_id, errors = read_problem(response.content)
    status = response.status
    message = f"HTTP {status}: {title or error.summary}"
    if status == 401:
        return InvalidCredentialsError(message, status, excerpt=response.content)
    if status == 429:
        return RateLimitExceededError(message, error.retry_after, trace_id=trace_id, errors=errors)
    found = ServiceTitanApiError(
        message,
        status,
        trace_id,
        errors,
        retry_after=error.retry_after,
        excerpt=response.content,
        action=error.action,
        actionable_message=advice(status, errors, title or error.summary),
    )
    found.fault = error.fault
    return found


def read_problem(body: bytes) -> tuple[str, str, dict[str, list[str]]]:
    """The title, the trace id and the messages by parameter of an error body, as far as it has them."""
    found = json_object(body)
    title = found.get("title") or found.get("message") or ""
    trace_id = found.get("traceId")
    errors = found.get("errors")
    return (
        redact_text(str(title))[:MAX_TEXT],
        trace_id[:100] if isinstance(trace_id, str) else "",
        {
            str(name)[:100]: [redact_text(str(message))[:MAX_TEXT] for message in messages[:10]]
            for name, messages in (errors.items() if isinstance(errors, dict) else ())
            if isinstance(messages, list)
        },
    )
