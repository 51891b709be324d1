"""manage.py import_apple_health"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from accounts.models import Account, User
from integrations.jobs.foreground import run_in_foreground
from integrations.models import Credential, Integration
from integrations.providers.apple_health import files
from integrations.providers.apple_health.connecting import connect, connection_of
from integrations.providers.apple_health.envelope import MAPPED, NotAnExport
from integrations.providers.apple_health.imports import AppleHealthImport, preview
from integrations.providers.apple_health.slug import PROVIDER
from integrations.providers.apple_health.values import normalized
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, UsageError, reporter_for
from synclogs.counts import Counts
from synclogs.models import SyncLog
from synclogs.progress import Reporter

SHOWN = 10


class Command(OperatorCommand):
    """Import a file that Health Auto Export has written."""

    help = (
        "Imports workouts and metrics from a JSON file of the app Health Auto Export, without any server or "
        "worker. The file is read record by record; importing it again changes nothing. Exit codes: 0 done "
        "(also when some records were left out), 1 when the file or a run failed, 2 wrong usage, 75 when an "
        "import for the same connection is going on."
    )
    dry_run_help = "Show what would be created, changed and left out, and write nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file and whose it is."""
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="The export file (JSON).")
        parser.add_argument("--user", help="Whose records they are, by username; the only phone's otherwise.")
        parser.add_argument("--account", help="The id of the user's account, if the user has several.")
        parser.add_argument(
            "--aggregation",
            default="none",
            help="How the app was told to aggregate: none, minutes, hours, days … It is part of the records' "
            "ids: use what the automation sends (default: none).",
        )

    def perform(self, **options: Any) -> CommandResult:
        """Import each kind of data that the file holds."""
        path: Path = options["file"].absolute()
        counts = _kinds(path)
        owner = self._owner(options)
        aggregation = normalized(options["aggregation"]) or "none"
        if not counts:
            return CommandResult(
                "skipped", {"records": 0}, data={"file": path.name, "message": "holds no workouts or metrics"}
            )
        if options["dry_run"]:
            return _preview(path, list(counts), aggregation, owner)
        credential = owner if isinstance(owner, Credential) else connect(*owner)
        with reporter_for("records", quiet=options["quiet"], as_json=options["json"]) as reporter:
            runs = [_import(path, kind, aggregation, credential, reporter) for kind in counts]
        return _result(path, runs)

    def show(self, result: CommandResult, **options: Any) -> None:
        """A line a kind of data, and the first of what could not be taken."""
        if result.status == "skipped":
            self.out(f"{result.data['file']} {result.data['message']}: nothing to do.")
            return
        prefix = "Dry run, nothing written: " if result.action == "dry_run" else ""
        for kind, counts in result.data["kinds"].items():
            told = ", ".join(
                f"{value:,} {name}" for name, value in counts.items() if value and name != "processed"
            )
            self.out(f"{prefix}{kind}: {counts['processed']:,} records ({told or 'none'})")
        for refused in result.data["refused"][:SHOWN]:
            self.out(f"  cannot be taken: {refused['source_id'] or 'unnamed'}: {refused['message']}")
        more = len(result.data["refused"]) - SHOWN
        if more > 0:
            self.out(f"  … and {more} more; --json lists them.")

    def _owner(self, options: dict[str, Any]) -> Credential | tuple[Account, User]:
        """The credential of the phone, or for whom one is to be made."""
        account = None
        if options["account"]:
            account = self.validate_account_id(options["account"])
            if account is None:
                raise UsageError("that account may not be used", code="account")
        if not options["user"]:
            return _only_phone(account)
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise UsageError(f"there is no user {options['user']!r}")
        accounts = Account.objects.filter(membership__user=user)
        mine = list(accounts.filter(pk=account.pk) if account else accounts)
        if account and not mine:
            raise UsageError(f"{user} is no member of that account")
        if len(mine) != 1:
            raise UsageError(f"{user} is a member of {len(mine)} accounts: say --account")
        phones = Credential.objects.filter(provider=PROVIDER, user=user, account=mine[0], external_id="")
        return phones.first() or (mine[0], user)


def _kinds(path: Path) -> dict[str, int]:
    """How many elements of each kind the file holds. Raises UsageError for what is no export."""
    try:
        with files.opened(path) as export:
            return {kind: count for kind in MAPPED if (count := export.counts.get(kind))}
    except NotAnExport as error:
        raise UsageError(f"{path.name} is no export: {error}", code="bad_file") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", code="bad_file") from error


def _only_phone(account: Account | None) -> Credential:
    phones = Credential.objects.filter(provider=PROVIDER, user__isnull=False)
    found = list((phones.filter(account=account) if account else phones)[:2])
    if len(found) != 1:
        raise UsageError(f"there {'is no phone' if not found else 'are several phones'} yet: say --user")
    return found[0]


def _connection(credential: Credential, kind: str) -> Integration:
    """The connection of a kind, made where the phone had none of it."""
    found = connection_of(credential, kind)
    if found is None and credential.user is not None:
        connect(credential.account, credential.user)
        found = connection_of(credential, kind)
    if found is None:
        raise UsageError(f"{credential} has no connection for {kind}")
    return found


def _import(path: Path, kind: str, aggregation: str, credential: Credential, reporter: Reporter) -> SyncLog:
    connection = _connection(credential, kind)
    args = {"file": str(path), "aggregation": aggregation}
    job, _ = run_in_foreground(
        AppleHealthImport, account=connection.account, integration=connection, args=args, reporter=reporter
    )
    return SyncLog.objects.get(job=job)


def _preview(
    path: Path, kinds: list[str], aggregation: str, owner: Credential | tuple[Account, User]
) -> CommandResult:
    counts: dict[str, Counts] = {}
    refused: list[dict[str, Any]] = []
    for kind in kinds:
        connection = connection_of(owner, kind) if isinstance(owner, Credential) else None
        counts[kind], left_out = preview(path, kind, aggregation, connection)
        refused += [
            {"source_id": each.source_id, "code": each.error.code, "message": str(each.error)}
            for each in left_out
        ]
    return CommandResult(
        action="dry_run",
        counters=_total(counts.values()),
        data={
            "file": path.name,
            "kinds": {kind: one.as_dict() for kind, one in counts.items()},
            "refused": refused,
        },
    )


def _result(path: Path, runs: list[SyncLog]) -> CommandResult:
    failed = [run for run in runs if run.sync_status == "failed"]
    lost = any(run.records_failed for run in runs)
    kinds = {run.integration.instance_type: run.counts.as_dict() for run in runs if run.integration}
    issues = [issue for run in runs for issue in run.issues.all()[:SHOWN]]
    return CommandResult(
        "failed" if failed else "partial" if lost else "ok",
        _total(run.counts for run in runs),
        [
            {"code": run.error_code, "message": run.error_message, "account_id": None, "external_id": None}
            for run in failed
        ],
        data={
            "file": path.name,
            "kinds": kinds,
            "runs": [run.as_dict() for run in runs],
            "refused": [
                {"source_id": issue.source_id, "code": issue.error_code, "message": issue.error_message}
                for issue in issues
            ],
        },
        run=runs[0],
        exit_code=ExitCode.FAILED if failed else ExitCode.DONE,
    )


def _total(counts: Any) -> dict[str, int]:
    total = sum(counts, Counts())
    return total.as_dict()
