"""The record of a command's call: a CommandExecution row and the command's metrics."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import DatabaseError
from django.utils import timezone

from synclogs import metrics
from synclogs.commands.result import CommandResult, ExitCode
from synclogs.critical import recover_worker
from synclogs.models import CommandExecution, CommandStatus
from synclogs.redaction import redact_text, redact_value

logger = logging.getLogger("syncplatform.commands")

NOT_OPTIONS = (
    *("verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks"),
    *("stdout", "stderr"),
)
MAX_ERROR = 4000


class ExecutionRecord:
    """Follows one call from start to end. `keep_row` is false for dry runs and commands that only read.

    A database that cannot take the row does not stop the command; the log says so.
    """

    def __init__(self, command: str, options: Mapping[str, Any], *, keep_row: bool) -> None:
        self._command = command
        self._options = options
        self._action = str(options.get("action") or "run")
        self._keep_row = keep_row
        self._row: CommandExecution | None = None
        self._started = time.monotonic()

    @property
    def duration_ms(self) -> int:
        """Milliseconds since the start."""
        return round((time.monotonic() - self._started) * 1000)

    def start(self) -> None:
        """Note that the command was called."""
        metrics.count(f"command.{self._command}.started", tags=self._tags())
        if not self._keep_row:
            logger.info("%s: reading only", self._command)
            return
        try:
            self._row = CommandExecution.objects.create(
                command=self._command,
                action=self._action,
                args=self._shown_options(),
                started_at=timezone.now(),
            )
        except DatabaseError as error:
            logger.warning("the call of %s could not be recorded: %s", self._command, error)

    def end(self, result: CommandResult, status: CommandStatus) -> None:
        """Note how it ended."""
        tags = self._tags()
        metrics.count(f"command.{self._command}.{status.value}", tags=tags)
        metrics.timing(f"command.{self._command}.duration", self.duration_ms, tags=tags)
        if self._row is None:
            return
        first = result.errors[0] if result.errors else {}
        try:
            CommandExecution.objects.filter(pk=self._row.pk).update(
                action=result.action,
                status=status,
                run=result.run,
                finished_at=timezone.now(),
                duration_ms=self.duration_ms,
                counters=result.counters,
                error_code=str(first.get("code", ""))[:60],
                error=redact_text(str(first.get("message", "")))[:MAX_ERROR],
            )
            if result.exit_code == ExitCode.DONE:
                recover_worker(self._command)
        except DatabaseError as error:
            logger.warning("the end of %s could not be recorded: %s", self._command, error)

    def _shown_options(self) -> dict[str, Any]:
        given = {
            name: value if isinstance(value, str | int | float | bool | list) else str(value)
            for name, value in self._options.items()
            if name not in NOT_OPTIONS and value is not None and value is not False
        }
        cleaned: dict[str, Any] = redact_value(given)
        return cleaned

    def _tags(self) -> dict[str, str]:
        """The same at the start and at the end, so that the counts can be compared."""
        return {"action": self._action}


def send_command_notification(command: str, message: str) -> None:
    """Mail a command's news to COMMAND_NOTIFY_EMAILS; a mail that cannot be sent is only logged."""
    if not settings.COMMAND_NOTIFY_EMAILS:
        return
    subject = f"[{settings.ENVIRONMENT}] {command}"
    try:
        send_mail(subject, redact_text(message), None, settings.COMMAND_NOTIFY_EMAILS)
    except Exception as error:
        logger.error("the notification of %s could not be sent: %s", command, redact_text(str(error)))


def status_of(result: CommandResult) -> CommandStatus:
    """What a result makes of a call: with `--strict` a call that found something to fail on is complete."""
    done = result.exit_code in (ExitCode.DONE, ExitCode.STRICT)
    return CommandStatus.COMPLETED if done else CommandStatus.FAILED
