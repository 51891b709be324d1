"""manage.py alerts test"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from integrations.alerts.trial import Trial, try_ways
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, UsageError


class Command(OperatorCommand):
    """Try the ways that alerts take."""

    help = (
        "test: sends one notice by every configured way (ALERT_EMAILS, ALERT_WEBHOOK_URL) from this process "
        "and says what became of each. No alert is opened. Exit codes: 0 all were sent, 1 one was not, "
        "2 no way is configured."
    )
    dry_run_help = "Say which ways are configured and send nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do."""
        super().add_arguments(parser)
        parser.add_argument("action", choices=("test",), help="What to do.")

    def perform(self, **options: Any) -> CommandResult:
        """Send, or say what would be sent."""
        trials = try_ways(dry_run=options["dry_run"])
        if not trials:
            raise UsageError(
                "no way is configured: set ALERT_EMAILS, ALERT_WEBHOOK_URL or both.", code="no_alert_way"
            )
        failed = [trial for trial in trials if trial.error]
        counters = {"sent": 0 if options["dry_run"] else len(trials) - len(failed), "failed": len(failed)}
        result = CommandResult(action="test", counters=counters, data={"ways": [t.as_dict() for t in trials]})
        if failed:
            result.status = "failed" if len(failed) == len(trials) else "partial"
            result.errors = [_error(trial) for trial in failed]
            result.exit_code = ExitCode.FAILED
        return result

    def show(self, result: CommandResult, **options: Any) -> None:
        """One line a way."""
        for way in result.data["ways"]:
            state = "configured" if options["dry_run"] else "not sent" if way["error"] else "sent"
            self.out(f"{way['way']:<8} {state:<11} {way['to']}")


def _error(trial: Trial) -> dict[str, Any]:
    message = f"{trial.way}: {trial.error}"
    return {"code": trial.code, "message": message, "account_id": None, "external_id": None}
