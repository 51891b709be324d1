"""Trying a WorkStudio login without syncing anything."""

from __future__ import annotations

from circuits.workstudio.client import WorkStudioClient
from circuits.workstudio.login import Logins, login_of
from integrations.models import Credential


def check_credential(credential: Credential) -> None:
    """Make one cheap call with the login of a credential, whatever its status; nothing is noted of it.

    Raises WorkStudioNotConfigured when a part of the login is missing, SecretUnreadable when no key opens it,
    and IntegrationError (Unauthorized, ServerError, ...) when WorkStudio does not take it.
    """
    with WorkStudioClient(Logins([login_of(credential)])) as client:
        client.check_login()
