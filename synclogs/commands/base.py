"""Options, output and exit codes that all commands share: docs/commands.md."""

from __future__ import annotations

import json
import logging
import traceback
from abc import abstractmethod
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from accounts.models import Account
from synclogs.commands import executions
from synclogs.commands.executions import ExecutionRecord
from synclogs.commands.result import CommandResult, ExitCode, UsageError
from synclogs.critical import handle_worker_error, is_critical_error
from synclogs.models import CommandStatus, SyncAlreadyRunning
from synclogs.redaction import redact_text

INTERRUPTED = 130


class OperatorCommand(BaseCommand):
    """A command for cron and people. A subclass writes `perform` and, for people, `show`.

    With `--json` stdout carries one object and nothing else; with `--quiet` a success prints nothing. Errors
    go to stderr. `dry_run_help` gives the command a `--dry-run`; `read_only` commands leave no row behind.
    """

    dry_run_help: ClassVar[str] = ""
    read_only: ClassVar[bool] = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of every command; `--dry-run` where the command writes."""
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON object on stdout, nothing else."
        )
        parser.add_argument("--quiet", action="store_true", help="Print nothing on success; for cron.")
        if self.dry_run_help:
            parser.add_argument("--dry-run", action="store_true", help=self.dry_run_help)

    def only_reads(self, options: dict[str, Any]) -> bool:
        """Whether this call leaves no row behind, not even the record of itself."""
        return self.read_only or bool(options.get("dry_run"))

    @abstractmethod
    def perform(self, **options: Any) -> CommandResult:
        """Do the work and say what became of it. Raise UsageError for options that make no sense."""

    def show(self, result: CommandResult, **options: Any) -> None:
        """Print a result for people, on stdout."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, record, report, and leave with the right exit code."""
        record = ExecutionRecord(self.command_name, options, keep_row=not self.only_reads(options))
        with _quiet_logs(enabled=options["quiet"]):
            self.log_command_execution(record, CommandStatus.STARTED)
            try:
                result, usage_error = self._perform_safely(options)
            except BaseException as error:
                stopped = CommandResult.failed("stopped", f"stopped by {type(error).__name__}")
                self.log_command_execution(record, CommandStatus.FAILED, stopped)
                raise
            self.log_command_execution(record, executions.status_of(result), result)
            self._report(result, record.duration_ms, options, told=usage_error is None)
        if usage_error is not None:
            raise usage_error
        if result.exit_code:
            raise SystemExit(int(result.exit_code))

    def log_command_execution(
        self, command: ExecutionRecord, status: CommandStatus, result: CommandResult | None = None
    ) -> None:
        """Note that a call has started, or how it ended: its row, where it keeps one, and its metrics."""
        if result is None:
            command.start()
        else:
            command.end(result, status)

    def handle_command_error(
        self, error: Exception, *, show_traceback: bool = False, alert: bool = True
    ) -> CommandResult:
        """What an exception means for the caller: exit 75 for a lock, 1 otherwise.

        A critical one opens an alert, unless the call writes nothing at all.
        """
        if isinstance(error, SyncAlreadyRunning):
            return CommandResult.failed("locked", _already_running(error), ExitCode.LOCKED)
        if show_traceback:
            self.stderr.write(redact_text(traceback.format_exc()))
        handle_worker_error(error, self.command_name, alert=alert)
        code = getattr(error, "code", "") or type(error).__name__
        text = join_sentences(str(error) or str(code), getattr(error, "actionable_message", ""))
        return CommandResult.failed(str(code), redact_text(text))

    def validate_account_id(self, account_id: str | int) -> Account | None:
        """The account of an id from the command line; None, and a line on stderr, when it may not be used.

        Raises UsageError when it is no positive whole number.
        """
        text = str(account_id).strip()
        if not text.isdecimal() or int(text) < 1:
            raise UsageError(f"an account id is a whole number above 0, not {account_id!r}")
        return Account.objects.get(pk=int(text)) if self.validate_account_access(int(text)) else None

    def validate_account_access(self, account_id: int) -> bool:
        """Whether an account exists and may use integrations; says on stderr why not."""
        account = Account.objects.filter(pk=account_id).first()
        if account is None:
            self.error(f"Account {account_id} not found")
            return False
        if not account.has_integration_access():
            self.error(f"Account {account_id} does not have integration access")
            return False
        return True

    def send_command_notification(self, message: str) -> None:
        """Mail news of this command to COMMAND_NOTIFY_EMAILS, if there are any."""
        executions.send_command_notification(self.command_name, message)

    def error(self, text: str) -> None:
        """One line on stderr."""
        self.stderr.write(redact_text(text))

    def out(self, text: str) -> None:
        """One line on stdout."""
        self.stdout.write(redact_text(text))

    @property
    def command_name(self) -> str:
        """The name under which manage.py knows this command."""
        return type(self).__module__.rpartition(".")[2]

    def _perform_safely(self, options: dict[str, Any]) -> tuple[CommandResult, CommandError | None]:
        try:
            return self.perform(**options), None
        except KeyboardInterrupt:
            message = "Interrupted: what was done is kept, and a run that was open is recorded as cancelled."
            return CommandResult.failed("interrupted", message, INTERRUPTED), None
        except CommandError as error:
            code = getattr(error, "code", "usage")
            if is_critical_error(error):
                handle_worker_error(error, self.command_name, alert=not self.only_reads(options))
            return CommandResult.failed(code, str(error), error.returncode), error
        except Exception as error:
            shown, alert = options.get("traceback", False), not self.only_reads(options)
            return self.handle_command_error(error, show_traceback=shown, alert=alert), None

    def _report(
        self, result: CommandResult, duration_ms: int, options: dict[str, Any], *, told: bool
    ) -> None:
        """Print what came of the call; errors only when they are `told` here, and not by raising one."""
        if told:
            for problem in result.errors:
                self.error(problem["message"])
        if options["json"]:
            envelope = result.envelope(self.command_name, duration_ms)
            self.stdout.write(json.dumps(envelope, cls=DjangoJSONEncoder))
        elif told and not (options["quiet"] and result.exit_code == ExitCode.DONE):
            self.show(result, **options)


def join_sentences(*parts: str) -> str:
    """Join texts so that each ends like a sentence."""
    sentences = (part.strip() for part in parts if part and part.strip())
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in sentences)


@contextmanager
def _quiet_logs(*, enabled: bool) -> Iterator[None]:
    """Print errors only while a quiet command runs."""
    before = logging.root.manager.disable
    if enabled:
        logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _already_running(error: SyncAlreadyRunning) -> str:
    if error.running is None:
        return "already running: a run of the same work is going on or about to start; try again later."
    running = error.running
    return (
        f"already running: {running.sync_type} run {running.pk} was started at "
        f"{running.started_at:%Y-%m-%d %H:%M:%S} UTC; try again later."
    )
