"""The base of all operator commands: what goes where, which exit code, what is kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.http.errors import ServerError
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, UsageError, join_sentences
from synclogs.models import CommandExecution, SyncAlreadyRunning
from tests.factories import SyncLogFactory

pytestmark = pytest.mark.django_db


class Toy(OperatorCommand):
    """A command that does what the test says."""

    dry_run_help = "Do nothing."

    def __init__(self, work: Callable[[], CommandResult]) -> None:
        super().__init__()
        self.work = work

    def perform(self, **options: Any) -> CommandResult:
        return self.work()

    def show(self, result: CommandResult, **options: Any) -> None:
        self.out(f"did {result.counters}, token=abcdef123456")


class Call:
    """Calls the toy; keeps its exit code and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.code = 0
        self.out = self.err = ""

    def __call__(
        self, work: CommandResult | Exception | Callable[[], CommandResult], *arguments: str
    ) -> Call:
        def perform() -> CommandResult:
            if isinstance(work, BaseException):
                raise work
            return work() if callable(work) else work

        self._capsys.readouterr()
        self.code = 0
        try:
            call_command(Toy(perform), *arguments)
        except SystemExit as error:
            self.code = int(error.code or 0)
        self.out, self.err = self._capsys.readouterr()
        return self


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the toy."""
    return Call(capsys)


GOOD = CommandResult(counters={"done": 3})
BAD = CommandResult.failed("broken", "it broke, password=hunter2hunter2")


def test_a_success_is_shown_on_stdout_without_secrets(call: Call) -> None:
    assert call(GOOD).code == 0
    assert "did {'done': 3}" in call.out
    assert "abcdef" not in call.out
    assert call.err == ""


def test_quiet_prints_nothing_on_success_and_errors_still(call: Call) -> None:
    assert call(GOOD, "--quiet").out == ""
    assert call(BAD, "--quiet").code == 1
    assert "it broke" in call.err
    assert "hunter2" not in call.err


def test_quiet_silences_logs_only_while_it_runs(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    def chatty() -> CommandResult:
        logging.getLogger("x").info("chatter")
        return GOOD

    with caplog.at_level(logging.INFO):
        call(chatty, "--quiet")
        logging.getLogger("x").info("afterwards")
    assert "chatter" not in caplog.text
    assert "afterwards" in caplog.text


def test_json_is_the_only_thing_on_stdout(call: Call) -> None:
    run = SyncLogFactory()
    call(CommandResult(counters={"done": 3}, run=run, data={"more": [1]}), "--json")
    answer = json.loads(call.out)
    assert (answer["run_id"], answer["status"], answer["more"]) == (str(run.pk), "ok", [1])
    assert answer["counters"] == {"done": 3}
    assert isinstance(answer["duration_ms"], int)
    call(BAD, "--json")
    answer = json.loads(call.out)
    assert (answer["status"], answer["errors"][0]["code"]) == ("failed", "broken")


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (GOOD, ExitCode.DONE),
        (BAD, ExitCode.FAILED),
        (CommandResult(exit_code=ExitCode.STRICT), ExitCode.STRICT),
        (SyncAlreadyRunning("k", None), ExitCode.LOCKED),
        (ServerError("HTTP 500"), ExitCode.FAILED),
        (ValueError("surprise"), ExitCode.FAILED),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes(call: Call, work: Any, code: int) -> None:
    assert call(work).code == code


def test_wrong_usage_is_django_s_own_error_with_code_2() -> None:
    def work() -> CommandResult:
        raise UsageError("no such thing")

    with pytest.raises(CommandError, match="no such thing") as error:
        call_command(Toy(work))
    assert error.value.returncode == 2


def test_a_vendor_s_error_is_one_line_with_what_to_do_and_no_traceback(call: Call) -> None:
    call(ServerError("HTTP 500 from there"))
    assert "HTTP 500 from there. It is tried again" in call.err
    assert "Traceback" not in call.err


def test_an_error_without_words_is_named(call: Call) -> None:
    assert "ValueError" in call(ValueError()).err


def test_a_lock_tells_which_run_holds_it(call: Call) -> None:
    run = SyncLogFactory(running=True)
    call(SyncAlreadyRunning("k", run))
    assert str(run.pk) in call.err
    assert "already running" in call.err


def test_a_call_is_recorded_but_not_a_dry_run(call: Call) -> None:
    call(BAD)
    row = CommandExecution.objects.get()
    assert (row.status, row.error_code) == ("failed", "broken")
    assert "hunter2" not in row.error
    call(GOOD, "--dry-run")
    assert CommandExecution.objects.count() == 1


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("It broke", "Fix it"), "It broke. Fix it."),
        (("It broke.", "", "Why?"), "It broke. Why?"),
        ((" a ", "  "), "a."),
        ((), ""),
    ],
)
def test_texts_join_as_sentences(parts: tuple[str, ...], expected: str) -> None:
    assert join_sentences(*parts) == expected
