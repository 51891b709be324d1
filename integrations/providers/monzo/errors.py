"""What Monzo's refusals mean: docs/monzo.md, "Errors"."""

from __future__ import annotations

from integrations.http.errors import BadRequest, Fault, Forbidden, IntegrationError, Unauthorized
from integrations.http.response import ApiResponse, json_object

NOT_APPROVED = "forbidden.insufficient_permissions"
TOO_OLD = "forbidden.verification_required"
EVICTED = ".evicted"


class NotApproved(Forbidden):
    """The owner has not approved the access in the app, or this kind of account may not be read."""

    code = "not_approved"
    summary = "Monzo does not allow this access"
    actionable_message = "Approve the access in the Monzo app; if the request is gone, reconnect."


class HistoryTooOld(Forbidden):
    """More than 90 days back, and the first five minutes after the approval are over."""

    code = "history_too_old"
    fault = Fault.US
    summary = "Monzo shows the last 90 days only"
    actionable_message = "Reconnect and approve to read older history: it is open for five minutes."


class RangeTooLong(BadRequest):
    """A query over more than a year."""

    code = "range_too_long"
    summary = "Monzo refuses so long a range"


class TokenEvicted(Unauthorized):
    """Another token was made for this user and client: only a new consent helps."""

    renewable = False
    summary = "another login has replaced this token"
    actionable_message = "Reconnect. If it recurs, something else uses the same OAuth application."


def explain(response: ApiResponse, error: IntegrationError) -> IntegrationError:
    """The error that Monzo's own code names, else the usual one."""
    code, message = _said(response.content)
    kind: type[IntegrationError] | None = None
    if response.status == 403 and code.startswith(NOT_APPROVED):
        kind = NotApproved
    elif response.status == 403 and code.startswith(TOO_OLD):
        kind = HistoryTooOld
    elif response.status == 401 and code.endswith(EVICTED):
        kind = TokenEvicted
    elif response.status == 400 and "range" in f"{code} {message}".lower():
        kind = RangeTooLong
    if kind is None:
        return error
    said = f"{kind.summary} ({code})" if code else kind.summary
    return kind(said, provider=error.provider, status=response.status, excerpt=response.content)


def _said(body: bytes) -> tuple[str, str]:
    document = json_object(body)
    return str(document.get("code") or ""), str(document.get("message") or "")
