"""What the commands that sync have in common: options, lines, the summary and the JSON objects."""

from __future__ import annotations

import json
import logging
import traceback
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from tqdm import tqdm

from integrations.providers.servicetitan.config import SyncResult
from integrations.providers.servicetitan.pool import Pool, Task, Totals
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, UsageError, reporter_for
from synclogs.redaction import redact_text

T = TypeVar("T")

logger = logging.getLogger("syncplatform.servicetitan")


def positive(text: str | int) -> int:
    """A whole number from 1 up, from a command line. Raises ArgumentTypeError."""
    try:
        value = int(text)
    except (TypeError, ValueError):
        value = 0
    if value < 1:
        raise ArgumentTypeError(f"a whole number from 1 up, not {text!r}")
    return value


def checked(kind: Callable[[Any], T], options: Mapping[str, Any], name: str) -> T:
    """An option as what it should be; `call_command` passes what its caller gives. Raises UsageError."""
    try:
        return kind(options[name])
    except (ArgumentTypeError, TypeError, ValueError):
        raise UsageError(f"--{name.replace('_', '-')}: invalid value {options[name]!r}") from None


class SyncCommand(OperatorCommand):
    """A command that syncs credentials. Exit code 0 also when syncs failed, unless `--strict` is given."""

    starting: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of both commands."""
        super().add_arguments(parser)
        parser.add_argument(
            "--strict", action="store_true", help="Exit with 3 when any sync failed (default: 0)."
        )
        parser.add_argument(
            "--json-output",
            action="store_true",
            help="Print one JSON object with five totals on stdout, everything else on stderr.",
        )

    def begin(self, options: dict[str, Any]) -> None:
        """Remember how to talk. Raises UsageError for two kinds of JSON at once."""
        if options["json"] and options["json_output"]:
            raise UsageError("--json and --json-output cannot be given together.")
        self._options = options
        self._syncs: list[dict[str, Any]] = []
        self._errors: list[dict[str, Any]] = []

    def say(self, line: str) -> None:
        """One line for people: on stdout, on stderr beside a JSON object of totals, else nowhere.

        It is not redacted, as `Credentials: 2` would be: it holds names of companies and numbers only.
        """
        if self._options["quiet"] or self._options["json"]:
            return
        stream = self.stderr if self._options["json_output"] else self.stdout
        with tqdm.external_write_mode():
            stream.write(line, style_func=str)

    def started(self, task: Task) -> None:
        """A sync begins."""
        credential = task.credential
        self.say(f"{self.starting} sync for {credential.company} ({credential.environment})")

    def completed(self, task: Task, result: SyncResult) -> None:
        """A sync has ended well."""
        self.say(f"Completed sync for {task.credential.company}: {result.processed_count} records processed")
        self._syncs.append(_shown(task, str(result.sync_log.pk), result.sync_log.as_dict()))

    def failed(self, task: Task, message: str, code: str) -> None:
        """A sync has failed."""
        line = f"Sync failed for {task.credential.company}: {message}"
        self._syncs.append(_shown(task, None, {"status": "failed", "error_code": code}))
        if self._options["json"]:
            account = task.credential.account_id
            self._errors.append(
                {"code": code, "message": line, "account_id": account, "external_id": str(task.credential.pk)}
            )
            return
        with tqdm.external_write_mode():
            self.error(line)

    def nothing(self, line: str) -> CommandResult:
        """There is nothing to do."""
        self.say(line)
        return self.ended(Totals(), summary=False)

    def previewed(self, lines: list[str]) -> CommandResult:
        """A dry run: what would be done."""
        for line in lines:
            self.say(line)
        return self.ended(Totals(credentials=len(lines)), summary=False, action="dry_run")

    def work(self, tasks: list[Task], max_concurrent: int) -> CommandResult:
        """Sync them all; the summary is printed also when an unexpected error is raised in the end."""
        options = self._options
        as_json = options["json"] or options["json_output"]
        with reporter_for("records", quiet=options["quiet"], as_json=as_json) as reporter:
            pool = Pool(max_concurrent, self, reporter)
            pool.totals.credentials = len(tasks)
            try:
                pool.run(tasks)
            except Exception:
                self.ended(pool.totals)
                raise
        return self.ended(pool.totals)

    def ended(self, totals: Totals, *, summary: bool = True, action: str = "run") -> CommandResult:
        """Print the totals, and say what the exit code is."""
        if summary:
            for line in _summary(totals):
                self.say(line)
        if self._options["json_output"]:
            self.stdout.write(json.dumps(_five_keys(totals)), style_func=str)
        strict = self._options["strict"] and totals.failed
        return CommandResult(
            "partial" if totals.failed else "ok",
            {
                "credentials": totals.credentials,
                "successful": totals.successful,
                "failed": totals.failed,
                "processed": totals.records,
            },
            self._errors,
            {"syncs": self._syncs},
            action=action,
            exit_code=ExitCode.STRICT if strict else ExitCode.DONE,
        )

    def handle_command_error(
        self, error: Exception, *, show_traceback: bool = False, alert: bool = True
    ) -> CommandResult:
        """An error that nobody expected: logged, and `Command failed: ...` on stderr."""
        trace = redact_text("".join(traceback.format_exception(error)))
        logger.error(
            "Scheduled sync command failed", extra={"exception": type(error).__name__, "trace": trace}
        )
        result = super().handle_command_error(error, show_traceback=show_traceback, alert=alert)
        for problem in result.errors:
            problem["message"] = f"Command failed: {problem['message']}"
        return result


def _summary(totals: Totals) -> list[str]:
    return [
        "Sync summary",
        f"Credentials: {totals.credentials}",
        f"Successful: {totals.successful}",
        f"Failed: {totals.failed}",
        f"Records processed: {totals.records}",
        f"Execution time: {totals.seconds:.2f} seconds",
    ]


def _five_keys(totals: Totals) -> dict[str, int | float]:
    return {
        "total_credentials": totals.credentials,
        "successful_syncs": totals.successful,
        "failed_syncs": totals.failed,
        "total_records_processed": totals.records,
        "execution_time_seconds": round(totals.seconds, 3),
    }


def _shown(task: Task, run_id: str | None, sync: dict[str, Any]) -> dict[str, Any]:
    credential = task.credential
    return {
        "credential_id": str(credential.pk),
        "company": credential.company,
        "environment": credential.environment,
        "data_type": task.data_type.value,
        "run_id": run_id,
        **sync,
    }
