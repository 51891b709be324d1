"""The keys of a development checkout: made once, kept in files that only their owner can read."""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from syncplatform.env_reader import ConfigurationError, problem_report


def development_secret_key(path: Path) -> str:
    """The key in the file at `path`, which is made when it is not there, by however many processes at once.

    Raises:
        ConfigurationError: when the file can be neither read nor made.
    """
    return _kept("SECRET_KEY", path, lambda: secrets.token_urlsafe(64))


def development_encryption_key(path: Path) -> str:
    """The key for secrets at rest in the file at `path`, made in the same way: 32 bytes in base64.

    Raises:
        ConfigurationError: when the file can be neither read nor made.
    """
    return _kept("FIELD_ENCRYPTION_KEYS", path, lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode())


def _kept(name: str, path: Path, make: Callable[[], str]) -> str:
    try:
        if not path.exists():
            _make(path, make())
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        problem = f"{name}: not set, and {path} cannot be used instead ({error.strerror})."
        raise ConfigurationError(problem_report("development", [problem])) from error


def _make(path: Path, key: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, encoding="utf-8") as draft:  # its mode is 600
        draft.write(key + "\n")
        draft.flush()
        with suppress(FileExistsError):
            os.link(draft.name, path)
