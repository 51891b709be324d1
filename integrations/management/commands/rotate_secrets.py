"""manage.py rotate_secrets"""

from __future__ import annotations

from typing import Any

from integrations.credentials.rotation import rotate_secrets
from integrations.webhooks.keys import rekey
from synclogs.commands import CommandResult, ExitCode, OperatorCommand

MAX_NAMED = 10


class Command(OperatorCommand):
    """Re-encrypt every stored secret with the first key."""

    help = (
        "Re-encrypts every stored secret with the first key of FIELD_ENCRYPTION_KEYS. To change the key: put "
        "the new one first and keep the old one behind it, restart everything, run this, then drop the old "
        "one. Exit codes: 0 done, 1 when a secret cannot be opened with any key (it is left as it is)."
    )
    dry_run_help = "Count what would be re-encrypted and write nothing."

    def perform(self, **options: Any) -> CommandResult:
        """Rotate, or count."""
        found = rotate_secrets(dry_run=options["dry_run"])
        counters = {
            "current": found.current,
            "rotated": found.rotated,
            "unreadable": len(found.unreadable),
            "webhook_keys": rekey(dry_run=options["dry_run"]),
        }
        if found.unreadable:
            message = (
                f"{len(found.unreadable)} secrets cannot be opened with any key: add the key they were made "
                "with to the end of FIELD_ENCRYPTION_KEYS, or enter those credentials again: "
                f"{', '.join(found.unreadable[:MAX_NAMED])}"
            )
            result = CommandResult.failed("secret_unreadable", message, ExitCode.FAILED)
            result.counters, result.data = counters, {"unreadable": found.unreadable}
            return result
        return CommandResult(counters=counters)

    def show(self, result: CommandResult, **options: Any) -> None:
        """One line."""
        verb = "would be re-encrypted" if options["dry_run"] else "re-encrypted"
        rotated, current = result.counters["rotated"], result.counters["current"]
        self.out(f"{rotated} secrets {verb}, {current} have the first key already.")
