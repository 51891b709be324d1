"""What can go wrong with WorkStudio besides the errors of any HTTP API."""

from __future__ import annotations

from integrations.http.errors import Action, Fault, IntegrationError, ProtocolError


class WorkStudioUnavailable(IntegrationError):
    """The server does not answer, or answers that it is broken, before anything was asked of it."""

    code = "unavailable"
    action = Action.STOP
    fault = Fault.VENDOR
    actionable_message = (
        "Check that the WorkStudio server is up and that WORKSTUDIO_API_URL points to it; "
        "the next scheduled sync tries again."
    )


class WorkStudioNotConfigured(IntegrationError):
    """There is no login to ask WorkStudio with."""

    code = "not_configured"
    action = Action.STOP
    fault = Fault.US
    actionable_message = (
        "Enter the service account under Credentials, or set WORKSTUDIO_USERNAME (DOMAIN\\user) and "
        "WORKSTUDIO_PASSWORD in the environment; then start the sync again."
    )


class WorkStudioLoginUnreadable(WorkStudioNotConfigured):
    """A stored login cannot be decrypted with any key."""

    code = "secret_unreadable"


class WorkStudioProtocolError(ProtocolError):
    """WorkStudio answered, with HTTP 200, that it could not do what was asked."""

    actionable_message = (
        "Read WorkStudio's message; the view, its filter or the account's rights may have changed. "
        "Views and filters are settings (WORKSTUDIO_VIEW_...)."
    )
