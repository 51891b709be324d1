"""Secrets as they come from the database: opened only when somebody looks inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from integrations.credentials.encryption import decrypt, encrypt
from synclogs.redaction import REDACTED, register_secret

NAMES = frozenset({"username", "user", "email", "client_id"})


class SealedSecrets(Mapping[str, Any]):
    """A read-only object of secrets that is decrypted at the first look.

    Rows whose secrets no key opens can be listed, counted and deleted; only looking inside raises
    SecretUnreadable (or ImproperlyConfigured without any key). Its text is never its content, and a pickle
    holds only what the database holds.
    """

    __slots__ = ("_opened", "token")

    def __init__(self, token: str) -> None:
        self.token = token
        self._opened: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._open()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open())

    def __len__(self) -> int:
        return len(self._open())

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return REDACTED

    def __reduce__(self) -> tuple[Any, ...]:
        return (SealedSecrets, (self.token,))

    def _open(self) -> dict[str, Any]:
        if self._opened is None:
            found = orjson.loads(decrypt(self.token))
            self._opened = found if isinstance(found, dict) else {}
            keep_out_of_logs(self._opened)
        return self._opened


def seal(secrets: Mapping[str, Any]) -> str:
    """The token of an object of secrets, under the first key; their values never reach a log from now on."""
    if isinstance(secrets, SealedSecrets):
        return secrets.token
    keep_out_of_logs(secrets)
    return encrypt(orjson.dumps(dict(secrets), option=orjson.OPT_SORT_KEYS).decode())


def keep_out_of_logs(value: Any) -> None:
    """Have every text in nested data redacted wherever it shows up in this process; names are none."""
    if isinstance(value, str):
        register_secret(value)
    elif isinstance(value, Mapping):
        for name, member in value.items():
            if name not in NAMES:
                keep_out_of_logs(member)
    elif isinstance(value, list | tuple):
        for member in value:
            keep_out_of_logs(member)
