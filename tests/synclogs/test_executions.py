"""What a command's call leaves behind: its row, its metrics, an alert when its error is critical."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from pytest_django import Settings

from integrations.http.errors import TimedOut, Unauthorized
from synclogs import metrics
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, UsageError
from synclogs.critical import critical_rule, is_critical_error, worker_name
from synclogs.models import Alert, CommandExecution, SyncAlreadyRunning
from tests.factories import SyncLogFactory

pytestmark = pytest.mark.django_db

Work = Callable[[], CommandResult]


class Trial(OperatorCommand):
    """A command that does what a test says."""

    dry_run_help = "write nothing"
    work: Work = staticmethod(lambda: CommandResult(counters={"done": 1}))

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--token")
        parser.add_argument("--limit", type=int)

    def perform(self, **options: Any) -> CommandResult:
        return type(self).work()

    @property
    def command_name(self) -> str:
        return "trial"


def call(work: Work | None = None, *args: str, read_only: bool = False) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a call."""
    command = type("Trial", (Trial,), {"work": staticmethod(work or Trial.work), "read_only": read_only})()
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(command, *args, stdout=out, stderr=err)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue(), err.getvalue()
    except CommandError as error:
        return error.returncode, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def raising(error: BaseException) -> Work:
    def work() -> CommandResult:
        raise error

    return work


@pytest.fixture
def lines(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(metrics, "_backends", {})
    settings.STATSD_BACKEND = "memory"
    return metrics.backend().lines  # type: ignore[attr-defined]


def test_a_call_is_recorded_with_its_end() -> None:
    run = SyncLogFactory.create()
    assert (
        call(lambda: CommandResult(counters={"done": 3}, run=run), "--limit", "0", "--token", "abcdef123")[0]
        == 0
    )
    row = CommandExecution.objects.get()
    assert (row.command, row.action, row.status, row.counters) == ("trial", "run", "completed", {"done": 3})
    assert row.run == run
    assert row.args == {"limit": 0, "token": "[redacted]"}
    assert row.finished_at is not None
    assert row.finished_at >= row.started_at
    assert row.duration_ms is not None


def test_a_failure_is_recorded_with_its_error() -> None:
    assert call(raising(ValueError("bad: password=hunter2hunter2")))[0] == 1
    row = CommandExecution.objects.get()
    assert (row.status, row.error_code) == ("failed", "ValueError")
    assert row.error == "bad: password=[redacted]."


@pytest.mark.parametrize(("args", "read_only"), [(("--dry-run",), False), ((), True)])
@pytest.mark.parametrize("work", [Trial.work, raising(ImproperlyConfigured("no key"))])
def test_dry_runs_and_readers_leave_nothing(work: Work, args: tuple[str, ...], read_only: bool) -> None:
    call(work, *args, read_only=read_only)
    assert not CommandExecution.objects.exists()
    assert not Alert.objects.exists()


def test_started_is_completed_plus_failed_with_the_same_tags(lines: list[str]) -> None:
    locked = SyncAlreadyRunning("key", None)
    for work in (Trial.work, raising(ValueError("x")), raising(UsageError("y")), raising(locked)):
        call(work)
        call(work, "--dry-run")
    with pytest.raises(GeneratorExit):
        call(raising(GeneratorExit()))
    counted = [line for line in lines if line.startswith("command.") and "duration" not in line]
    started = counted.count("command.trial.started:1|c|@1|#action:run")
    completed = counted.count("command.trial.completed:1|c|@1|#action:run")
    failed = counted.count("command.trial.failed:1|c|@1|#action:run")
    assert (started, completed, failed) == (9, 2, 7)
    assert len(counted) == 18
    timings = [line for line in lines if line.startswith("command.trial.duration:")]
    assert len(timings) == 9
    assert timings[0].endswith("|ms|@1|#action:run")


def test_an_unexpected_error_is_counted_logged_and_alerted(
    lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert call(raising(KeyError("surprise")))[0] == ExitCode.FAILED
    assert "worker.error:1|c|@1|#worker:trial,error_type:KeyError" in lines
    assert "Worker error: worker=trial error=KeyError" in caplog.text
    alert = Alert.objects.get()
    assert (alert.rule, alert.severity, alert.source) == ("contract_violation", "critical", "trial")


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (ImproperlyConfigured("no key"), "configuration"),
        (UsageError("set X", code="configuration"), "configuration"),
        (OperationalError("locked"), "database"),
        (Unauthorized("refused"), "credential_refused"),
    ],
)
def test_critical_errors_open_an_alert(error: Exception, rule: str) -> None:
    call(raising(error))
    assert Alert.objects.get().rule == rule


@pytest.mark.parametrize(
    "error", [TimedOut("slow"), UsageError("wrong"), SyncAlreadyRunning("key", None), CommandError("no")]
)
def test_others_do_not(error: Exception) -> None:
    call(raising(error))
    assert not Alert.objects.exists()


def test_the_next_success_is_the_recovery() -> None:
    call(raising(OperationalError("locked")))
    call(None, "--dry-run")
    assert Alert.objects.get().state == "open"
    call()
    assert Alert.objects.get().state == "recovered"


def test_an_alert_that_cannot_be_written_hides_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("no disk")

    monkeypatch.setattr("synclogs.critical.report_problem", refuse)
    code, _, err = call(raising(KeyError("surprise")))
    assert code == 1
    assert "surprise" in err
    assert "could not be written: no disk" in caplog.text


def test_a_row_that_cannot_be_written_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**kwargs: Any) -> None:
        raise OperationalError("no disk")

    monkeypatch.setattr(CommandExecution.objects, "create", refuse)
    assert call()[0] == 0
    assert "could not be recorded: no disk" in caplog.text


def test_json_is_one_object_whatever_happens() -> None:
    for work in (Trial.work, raising(KeyError("token=abcdef123456"))):
        _, out, err = call(work, "--json")
        answer = json.loads(out)
        assert set(answer) == {"command", "action", "run_id", "status", "counters", "errors", "duration_ms"}
        assert "abcdef123456" not in out + err


def test_quiet_commands_print_errors_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert call(None, "--quiet") == (0, "", "")
    code, out, err = call(raising(ValueError("it broke")), "--quiet")
    assert (code, out) == (1, "")
    assert "it broke" in err


def test_notifications_go_to_whom_the_settings_name(settings: Settings) -> None:
    command = Trial()
    command.send_command_notification("all done")
    assert mail.outbox == []
    settings.COMMAND_NOTIFY_EMAILS, settings.ENVIRONMENT = ["ops@example.com"], "qa"
    command.send_command_notification("done, password=hunter2hunter2")
    (message,) = mail.outbox
    assert message.subject == "[qa] trial"
    assert message.body == "done, password=[redacted]"


def test_a_mail_server_that_is_down_is_only_logged(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.COMMAND_NOTIFY_EMAILS = ["ops@example.com"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    Trial().send_command_notification("all done")
    assert "could not be sent" in caplog.text


def test_which_errors_are_critical() -> None:
    assert is_critical_error(ZeroDivisionError())
    assert not is_critical_error(TimedOut("slow"))
    assert critical_rule(Unauthorized("no")) == "credential_refused"
    assert worker_name(TimedOut) == "timed_out"
