"""Encryption of secrets at rest, with keys of their own: docs/security.md, "Secrets at rest".

FIELD_ENCRYPTION_KEYS lists the keys; the first encrypts, all decrypt. Without a key nothing is written or
read: it fails closed.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from synclogs.redaction import register_secret


class SecretUnreadable(Exception):
    """A stored secret cannot be decrypted with any configured key."""

    code = "secret_unreadable"
    actionable_message = (
        "Add the key it was encrypted with to the end of FIELD_ENCRYPTION_KEYS, "
        "or enter the credential again."
    )

    def __init__(self) -> None:
        super().__init__("a stored secret cannot be decrypted with any key of FIELD_ENCRYPTION_KEYS")


def encrypt(text: str) -> str:
    """Encrypt with the first key. Raises ImproperlyConfigured when there is none."""
    return _keys()[0].encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """Decrypt with whichever key fits. Raises SecretUnreadable, and never returns the token itself."""
    try:
        return MultiFernet(_keys()).decrypt(token.encode()).decode()
    except (InvalidToken, UnicodeError) as error:
        raise SecretUnreadable from error


def is_current(token: str) -> bool:
    """Whether a token was made with the first key."""
    try:
        _keys()[0].decrypt(token.encode())
    except (InvalidToken, UnicodeError):
        return False
    return True


def _keys() -> list[Fernet]:
    keys = tuple(settings.FIELD_ENCRYPTION_KEYS)
    if not keys:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS is not set: secrets are neither stored nor read.")
    return list(_fernets(keys))


@lru_cache(maxsize=4)
def _fernets(keys: tuple[str, ...]) -> tuple[Fernet, ...]:
    for key in keys:
        register_secret(key)
    try:
        return tuple(Fernet(key) for key in keys)
    except ValueError:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS holds a key that is not 32 bytes in URL-safe base64."
        ) from None
