"""manage.py webhooks list|replay|redeliver|address"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from integrations.credentials.encryption import SecretUnreadable
from integrations.models import Credential, DeliveryStatus, WebhookDelivery
from integrations.registry import all_providers, webhook_of
from integrations.webhooks import keys, operations
from integrations.webhooks.operations import UNFINISHED, Selection
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, UsageError

ACTIONS = ("list", "replay", "redeliver", "address")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(OperatorCommand):
    """Look at received webhooks, process them again, and tell where vendors are to send them."""

    help = (
        "list: deliveries, newest first. replay: processes stored deliveries again, by id, or puts a --file "
        "through the receiver as the vendor would send it. redeliver: the same for many at once, by "
        "provider, status and time; counts first, and does it with --yes. address CREDENTIAL: prints the "
        "address to tell the vendor; --rotate makes a new one while the old goes on working for a week. Exit "
        "codes: 0 done or nothing to do, 1 failed or none matched, 2 wrong usage."
    )
    dry_run_help = "With replay and redeliver: count what would be processed again, and write nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and with which deliveries."""
        super().add_arguments(parser)
        parser.add_argument("action", choices=ACTIONS, help="What to do.")
        parser.add_argument("ids", nargs="*", help="Delivery ids; with address a credential's id.")
        parser.add_argument("--account", metavar="ID", help="Only deliveries of this account.")
        parser.add_argument("--provider", help="Only deliveries of this provider; with --file whose it is.")
        parser.add_argument(
            "--status",
            action="append",
            choices=DeliveryStatus.values,
            help="Only these; repeatable. redeliver takes received, queued and failed ones if not told.",
        )
        parser.add_argument(
            "--since", type=_moment, metavar="TIME", help="From then on: 30m, 12h, 7d or a time."
        )
        parser.add_argument("--until", type=_moment, metavar="TIME", help="Until then.")
        parser.add_argument("--limit", type=int, default=50, help="list: lines shown (default: 50).")
        parser.add_argument(
            "--reprocess", action="store_true", help="Also what was processed within the last hour."
        )
        parser.add_argument("--yes", action="store_true", help="redeliver: do it.")
        parser.add_argument("--file", type=Path, help="replay: the body to deliver, for developers.")
        parser.add_argument("--credential", type=int, metavar="ID", help="With --file: to whom.")
        parser.add_argument("--rotate", action="store_true", help="address: make a new one.")

    def only_reads(self, options: dict[str, Any]) -> bool:
        """Listing, and redelivering without --yes."""
        action = options["action"]
        return (
            super().only_reads(options) or action == "list" or (action == "redeliver" and not options["yes"])
        )

    def perform(self, **options: Any) -> CommandResult:
        """Do what was asked."""
        action = options["action"]
        if options["limit"] < 1:
            raise UsageError("--limit is a whole number above 0")
        if action == "address":
            return _address(options)
        if options["file"]:
            return _deliver_file(options)
        selection = self._selection(options)
        if action == "list":
            return _listing(selection, options["limit"])
        return _replay(selection, options) if action == "replay" else _redeliver(selection, options)

    def show(self, result: CommandResult, **options: Any) -> None:
        """A line a delivery, or what was done."""
        if result.action == "address":
            self.stdout.write(result.data["address"])  # the one place where the secret is wanted
        elif result.action == "list":
            self._show_list(result)
        elif "answer" in result.data:
            answer = result.data["answer"]
            self.out(f"Answered {answer['status']} {answer['body']}".rstrip())
        else:
            count = result.counters["matched"] if result.data["only_counted"] else result.counters["queued"]
            noun = f"{count:,} {'delivery' if count == 1 else 'deliveries'}"
            if not result.data["only_counted"]:
                self.out(f"{noun} queued again.")
            else:
                hint = "" if options["dry_run"] or not count else " Add --yes to do it."
                self.out(f"{noun} would be queued again.{hint}")

    def _show_list(self, result: CommandResult) -> None:
        for row in result.data["deliveries"]:
            times = f" x{row['count']:,}" if row["count"] > 1 else ""
            again = f", {row['duplicates']:,} repeats" if row["duplicates"] else ""
            moment = row["received_at"].astimezone(UTC)
            self.out(
                f"{row['id']}  {moment:%Y-%m-%d %H:%M:%S} UTC  {row['provider']:<14} {row['status']:<10}"
                f"{row['bytes']:>12,} bytes{times}{again}  {row['event_id'][:40]}"
            )
            if row["error"]:
                self.out(f"    {row['error']}")
        self.out(f"{result.counters['shown']} of {result.counters['total']:,} deliveries.")

    def _selection(self, options: dict[str, Any]) -> Selection:
        account = None
        if options["account"]:
            account = self.validate_account_id(options["account"])
            if account is None:
                raise UsageError("that account may not be used", code="account")
        return Selection(
            provider=options["provider"] or "",
            account_id=account.pk if account else None,
            statuses=tuple(options["status"] or ()),
            since=options["since"],
            until=options["until"],
        )


def _listing(selection: Selection, limit: int) -> CommandResult:
    rows = selection.rows()
    lines = [_line(row) for row in rows[:limit]]
    return CommandResult(
        action="list",
        counters={"total": rows.count(), "shown": len(lines)},
        data={"deliveries": lines},
    )


def _line(row: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "provider": row.provider,
        "account_id": row.account_id,
        "credential_id": row.credential_id,
        "received_at": row.received_at,
        "event_id": row.event_id,
        "status": row.status,
        "duplicates": row.duplicates,
        "count": row.rejected_count or 1,
        "bytes": row.body_size,
        "http_status": row.http_status_returned,
        "processed_at": row.processed_at,
        "error": row.error,
    }


def _replay(selection: Selection, options: dict[str, Any]) -> CommandResult:
    """Of the deliveries with these ids."""
    if not options["ids"]:
        raise UsageError("say which: delivery ids, or --file; `redeliver` takes many at once")
    wanted = {_delivery_id(each) for each in options["ids"]}
    rows = list(selection.rows().filter(pk__in=wanted))
    missing = wanted - {row.pk for row in rows}
    errors = [_error("not_found", f"no delivery {pk} here") for pk in sorted(missing, key=str)]
    return _again(rows, errors, options, only_count=options["dry_run"])


def _redeliver(selection: Selection, options: dict[str, Any]) -> CommandResult:
    """Of all that match; what was refused at the door is never among them."""
    if options["ids"]:
        raise UsageError("redeliver takes no ids: use `replay`, or --provider, --status, --since and --until")
    if not (options["provider"] or options["since"] or options["status"]):
        raise UsageError("say which: --provider, --status or --since")
    rows = selection.rows().filter(operations.replayable())
    if not options["status"]:
        rows = rows.filter(status__in=UNFINISHED)
    return _again(list(rows), [], options, only_count=options["dry_run"] or not options["yes"])


def _again(
    rows: list[WebhookDelivery], errors: list[dict[str, Any]], options: dict[str, Any], *, only_count: bool
) -> CommandResult:
    action = options["action"]
    if not rows and not errors and action == "replay":
        errors = [_error("none_matched", "no delivery matches")]
    if only_count:
        return CommandResult(
            "failed" if errors else "ok",
            {"matched": len(rows), "queued": 0},
            errors,
            data={"only_counted": True, "jobs": []},
            action=action,
            exit_code=ExitCode.FAILED if errors else ExitCode.DONE,
        )
    done = operations.replay_many(rows, reprocess=options["reprocess"])
    errors = errors + [_error("refused", f"{pk}: {reason}") for pk, reason in done.refused.items()]
    return CommandResult(
        ("partial" if done.jobs else "failed") if errors else "ok",
        {"matched": len(rows), "queued": len(done.jobs)},
        errors,
        data={"only_counted": False, "jobs": [str(job.pk) for job in done.jobs]},
        action=action,
        exit_code=ExitCode.FAILED if errors else ExitCode.DONE,
    )


def _deliver_file(options: dict[str, Any]) -> CommandResult:
    """A fixture through the receiver."""
    path: Path = options["file"]
    if options["action"] != "replay" or options["ids"]:
        raise UsageError("--file goes with `replay`, without ids")
    credential = _credential(options)
    try:
        body = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if options["dry_run"]:
        return CommandResult(
            counters={"matched": 1, "queued": 0}, data={"only_counted": True, "jobs": []}, action="replay"
        )
    try:
        reply = operations.deliver_file(credential, body)
    except LookupError as error:
        raise UsageError(str(error)) from error
    answer = {"status": reply.status, "body": reply.body.decode("utf-8", "replace")}
    failed = reply.status >= 300
    return CommandResult(
        "failed" if failed else "ok",
        {"matched": 1, "queued": 0 if failed else 1},
        [_error("refused", f"the receiver answered {reply.status}")] if failed else [],
        data={"answer": answer},
        action="replay",
        exit_code=ExitCode.FAILED if failed else ExitCode.DONE,
    )


def _credential(options: dict[str, Any]) -> Credential:
    """The one that was named, else the only one of the provider."""
    found = Credential.objects.filter(**({"pk": options["credential"]} if options["credential"] else {}))
    if options["provider"]:
        if webhook_of(options["provider"]) is None:
            known = [each.slug for each in all_providers() if each.webhook is not None]
            raise UsageError(
                f"{options['provider']!r} takes no webhooks; these do: {', '.join(known) or 'none'}"
            )
        found = found.filter(provider=options["provider"])
    elif not options["credential"]:
        raise UsageError("say to whom: --provider, or --credential ID")
    several = list(found[:2])
    if len(several) != 1:
        raise UsageError(
            "there is no such credential" if not several else "there are several: say --credential ID"
        )
    return several[0]


def _address(options: dict[str, Any]) -> CommandResult:
    if len(options["ids"]) != 1 or not options["ids"][0].isdecimal():
        raise UsageError("address takes the id of one credential")
    credential = Credential.objects.filter(pk=int(options["ids"][0])).first()
    if credential is None:
        raise UsageError(f"there is no credential {options['ids'][0]}")
    if webhook_of(credential.provider) is None:
        raise UsageError(f"{credential.provider} takes no webhooks")
    try:
        key = keys.rotate_key(credential, overlap=keys.OVERLAP) if options["rotate"] else ""
        return CommandResult(action="address", data={"address": keys.address(credential, key)})
    except SecretUnreadable as error:
        return CommandResult.failed(error.code, f"{error}. {error.actionable_message}", action="address")


def _moment(text: str) -> datetime:
    """`30m`, `12h` or `7d` ago, or a time; UTC unless it says otherwise."""
    number, unit = text[:-1], text[-1:].lower()
    if unit in UNITS and number.isdecimal():
        return timezone.now() - timedelta(**{UNITS[unit]: int(number)})
    found = parse_datetime(text) or parse_datetime(f"{text}T00:00:00")
    if found is None:
        raise ValueError(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_moment.__name__ = "time (30m, 12h, 7d or 2026-03-01T12:00)"


def _delivery_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(f"{text!r} is no delivery id") from None


def _error(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "account_id": None, "external_id": None}
