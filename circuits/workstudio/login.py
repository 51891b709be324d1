"""Which WorkStudio login a call is made with."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings

from circuits.workstudio.errors import WorkStudioNotConfigured


@dataclass(frozen=True, slots=True)
class Login:
    """A WorkStudio account: `DOMAIN\\user` and its password."""

    username: str
    password: str = field(repr=False)


def choose_login() -> Login:
    """The login for the next calls: the service account of this installation.

    Raises WorkStudioNotConfigured when there is none.
    """
    if not settings.WORKSTUDIO_USERNAME or not settings.WORKSTUDIO_PASSWORD:
        missing = "WORKSTUDIO_PASSWORD" if settings.WORKSTUDIO_USERNAME else "WORKSTUDIO_USERNAME"
        raise WorkStudioNotConfigured(f"{missing} is not set, so WorkStudio cannot be asked for anything")
    return Login(settings.WORKSTUDIO_USERNAME, settings.WORKSTUDIO_PASSWORD)
