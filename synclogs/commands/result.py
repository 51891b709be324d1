"""What a command did, and how it says so to cron."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from django.core.management.base import CommandError

from synclogs.models import SyncLog


class ExitCode(IntEnum):
    """What a command's exit code tells cron."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    STRICT = 3
    LOCKED = 75


class UsageError(CommandError):
    """The command was called wrongly; exit code 2."""

    def __init__(self, message: str, *, code: str = "usage") -> None:
        self.code = code
        super().__init__(message, returncode=ExitCode.USAGE)


@dataclass(slots=True)
class CommandResult:
    """What a command did, for people and for machines.

    `status` is ok, partial, failed or skipped; `errors` are mappings with `code` and `message`; `data` holds
    what this command alone has to say.
    """

    status: str = "ok"
    counters: dict[str, int] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    run: SyncLog | None = None
    action: str = "run"
    exit_code: int = ExitCode.DONE

    @classmethod
    def failed(
        cls, code: str, message: str, exit_code: int = ExitCode.FAILED, **kwargs: Any
    ) -> CommandResult:
        """A result with one error."""
        error = {"code": code, "message": message, "account_id": None, "external_id": None}
        return cls(status="failed", errors=[error], exit_code=exit_code, **kwargs)

    def envelope(self, command: str, duration_ms: int) -> dict[str, Any]:
        """The one object that `--json` prints."""
        return {
            "command": command,
            "action": self.action,
            "run_id": str(self.run.pk) if self.run else None,
            "status": self.status,
            "counters": self.counters,
            "errors": self.errors,
            "duration_ms": duration_ms,
            **self.data,
        }
