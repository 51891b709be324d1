"""What can go wrong with Zuora, as errors that say what the engine does next."""

from __future__ import annotations

from typing import Any

from integrations.http.errors import (
    Action,
    ConnectionFailed,
    Fault,
    IntegrationError,
    RateLimited,
    Unauthorized,
)

PROVIDER = "zuora"
LACKS_ACCESS = "Client lacks Workflow View Access"
_KINDS: dict[int, tuple[str, Fault, str]] = {
    403: (
        "forbidden",
        Fault.CREDENTIAL,
        "Give the OAuth client's user the permission Workflow View Access in Zuora, then sync again.",
    ),
    404: ("not_found", Fault.DATA, "Check the customer's data center; the address does not exist there."),
    400: (
        "bad_request",
        Fault.US,
        "Report it with Zuora's request id: the request is not as Zuora wants it.",
    ),
}
_SERVER = (
    "server_error",
    Fault.VENDOR,
    "It is tried again; if it persists, ask Zuora's support, naming the request id.",
)


class ZuoraNotConfigured(IntegrationError):
    """A customer lacks what a call needs: a secret, a client id, a data center."""

    code = "not_configured"
    action = Action.STOP
    fault = Fault.US
    summary = "the customer is not set up"
    actionable_message = "Enter the customer's OAuth client and data center in the admin, then sync it again."


class ZuoraAuthenticationError(Unauthorized):
    """Zuora refuses the OAuth client, or a token that was just issued.

    A client that is right, asked for in the wrong data center, looks the same.
    """

    summary = "Zuora refuses the OAuth client"
    actionable_message = (
        "Check client id, secret and data center (a wrong data center looks like a wrong secret), enter them "
        "anew and re-activate the customer."
    )


class ZuoraHttpError(IntegrationError):
    """Zuora answered that it could not do what was asked.

    `vendor_code` and `vendor_message` are its own words, `request_id` is what its support asks for, and
    `by_zuora` says that the body was Zuora's JSON and not a proxy's page. Neither 403 nor 404 is worth
    another try; everything else is.
    """

    action = Action.RETRY

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        request_id: str = "",
        *,
        by_zuora: bool = True,
        **options: Any,
    ) -> None:
        slug, fault, advice = _KINDS.get(status, _SERVER)
        self.vendor_code, self.vendor_message, self.request_id = code, message, request_id
        self.by_zuora = by_zuora
        parts = [LACKS_ACCESS if status == 403 else f"HTTP {status}"]
        parts += [text for text in (message, f"code {code}" if code else "") if text]
        where = f" (request {request_id})" if request_id else ""
        super().__init__(
            ": ".join(parts) + where,
            provider=PROVIDER,
            status=status,
            action=Action.STOP if status in (403, 404) else Action.RETRY,
            fault=fault,
            actionable_message=advice,
            **options,
        )
        self.code = slug


class ZuoraRateLimitError(RateLimited):
    """A limit of the tenant is spent: of calls, or of calls at once. `retry_after` is in seconds."""

    summary = "the tenant's limit of calls is spent"


class ZuoraConnectionError(ConnectionFailed):
    """Zuora could not be reached, or its reply did not come in time or not to the end."""

    summary = "Zuora could not be reached"
