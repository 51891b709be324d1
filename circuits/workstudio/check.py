"""Trying a WorkStudio login without syncing anything."""

from __future__ import annotations

from circuits.workstudio.client import WorkStudioClient
from circuits.workstudio.errors import WorkStudioNotConfigured
from circuits.workstudio.login import Login
from integrations.models import Credential

INCOMPLETE = "Enter both the user name (DOMAIN\\user) and the password."


def check_credential(credential: Credential) -> None:
    """Make one cheap call with the login of a credential, whatever its status.

    Raises WorkStudioNotConfigured when a part of the login is missing, SecretUnreadable when no key opens it,
    and IntegrationError (Unauthorized, ServerError, ...) when WorkStudio does not take it.
    """
    username, password = credential.secret("username"), credential.secret("password")
    if not username or not password:
        raise WorkStudioNotConfigured("a part of the login is missing", actionable_message=INCOMPLETE)
    with WorkStudioClient(Login(username, password)) as client:
        client.check_login()
