"""manage.py integrations fetch|check|monitor|health|init"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from accounts.models import Account
from integrations.models import Integration
from integrations.polling import connecting, fetching, health, monitor, routing
from integrations.polling.eligibility import polled
from integrations.polling.health import Finding
from integrations.polling.monitor import Limits
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, UsageError
from synclogs.models import Job

ACTIONS = ("fetch", "check", "monitor", "health", "init")


class Command(OperatorCommand):
    """Start polls, look at connections, read a history again."""

    help = (
        "fetch: queues polls, by the same rules as the clock unless --force; --sync does it here. check: "
        "lists connections that are --stuck (processing for over 30 minutes) or have --errors (within the "
        "hour). monitor: what is wrong with queue and connections, --notify tells people. health: the "
        "numbers. init ID: reads a connection's history, once; --force again, --resume from where it "
        "stopped. Exit codes: 0 done or all is well, 1 failed or something was found, 2 wrong usage."
    )
    dry_run_help = "With fetch and init: say what would be started, and write nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and with which connections."""
        super().add_arguments(parser)
        parser.add_argument("action", choices=ACTIONS, help="What to do.")
        parser.add_argument("id", nargs="?", type=int, help="With init: the connection's id.")
        parser.add_argument("--account", metavar="ID", help="Only connections of this account.")
        parser.add_argument("--service", help="Only connections of this provider.")
        parser.add_argument("--integration", type=int, metavar="ID", help="With fetch: only this connection.")
        parser.add_argument("--instance-type", help="With fetch: only connections of this type.")
        parser.add_argument(
            "--since",
            type=_moment,
            metavar="TIME",
            help="With fetch: read again from this day or time (UTC).",
        )
        parser.add_argument("--force", action="store_true", help="fetch: although not due. init: again.")
        parser.add_argument("--resume", action="store_true", help="With init: go on where it stopped.")
        parser.add_argument("--sync", action="store_true", help="fetch, init: run it in this process.")
        parser.add_argument("--stuck", action="store_true", help="With check: only what is stuck.")
        parser.add_argument("--errors", action="store_true", help="With check: only what has failed.")
        limits = Limits()
        parser.add_argument(
            "--alert-threshold", type=int, default=limits.pending, metavar="N",
            help="monitor: more due jobs are an issue (default: 50).",
        )  # fmt: skip
        parser.add_argument(
            "--stale-threshold", type=float, default=limits.stale_s, metavar="SECONDS",
            help="monitor: an older due job is an issue (default: 300).",
        )  # fmt: skip
        parser.add_argument("--notify", action="store_true", help="With monitor: open alerts.")
        parser.add_argument("--alerts-only", action="store_true", help="With health: only what is wrong.")

    def only_reads(self, options: dict[str, Any]) -> bool:
        """fetch and init write, and monitor where it notifies."""
        writes = options["action"] in ("fetch", "init") or options["notify"]
        return super().only_reads(options) or not writes

    def perform(self, **options: Any) -> CommandResult:
        """Do what was asked."""
        _refuse_nonsense(options)
        account = self._account(options)
        action: str = options["action"]
        if action == "fetch":
            return _fetch(_chosen(polled(), account, options), options)
        if action == "init":
            return _init(_chosen(Integration.objects.filter(deleted_at=None), account, options), options)
        connections = _chosen(Integration.objects.all(), account, options)
        if action == "check":
            return _check(connections, options)
        return _health(connections, account) if action == "health" else _monitor(options)

    def show(self, result: CommandResult, **options: Any) -> None:
        """Lines for people."""
        lines: list[str] = result.data.get("lines", [])
        if options["alerts_only"]:
            lines = [line for line in lines if line.startswith(("warning:", "critical:"))] or ["No alerts."]
        for line in lines:
            self.out(line)

    def _account(self, options: dict[str, Any]) -> Account | None:
        if not options["account"]:
            return None
        account = self.validate_account_id(options["account"])
        if account is None:
            raise UsageError("that account may not be used", code="account")
        return account


def _refuse_nonsense(options: dict[str, Any]) -> None:
    action = options["action"]
    if (options["id"] is None) == (action == "init"):
        raise UsageError("init takes the id of one connection, the other actions take none")
    fetch_only = options["since"] or options["integration"] or options["instance_type"]
    if fetch_only and action != "fetch":
        raise UsageError("--since, --integration and --instance-type go with `fetch`")
    if options["alert_threshold"] < 0 or options["stale_threshold"] < 0:
        raise UsageError("thresholds are not below 0")
    if options["dry_run"] and options["sync"]:
        raise UsageError("--sync runs something and --dry-run nothing: choose one")


def _chosen(
    connections: QuerySet[Integration], account: Account | None, options: dict[str, Any]
) -> QuerySet[Integration]:
    if account is not None:
        connections = connections.filter(account=account)
    wanted = {
        "provider": options["service"],
        "pk": options["integration"] or options["id"],
        "instance_type": options["instance_type"],
    }
    return connections.filter(**{name: value for name, value in wanted.items() if value})


def _fetch(connections: QuerySet[Integration], options: dict[str, Any]) -> CommandResult:
    found = list(connections)
    if not found:
        return CommandResult.failed("none_matched", "no polled connection matches", action="fetch")
    counters = {"matched": len(found), "started": 0, "skipped": 0, "failed": 0}
    lines, errors = [], []
    for connection in found:
        started = fetching.fetch_now(
            connection, force=options["force"], since=options["since"], write=not options["dry_run"]
        )
        what = f"{connection.pk}  {connection.name} ({connection.provider} {connection.instance_type})"
        if started.reason:
            counters["skipped"] += 1
            lines.append(f"{what}: skipped, {started.reason}")
            continue
        counters["started"] += 1
        text = f"job {started.job.pk}" if started.job is not None else "would be polled"
        if options["sync"] and started.job is not None and not fetching.run_here(started.job):
            counters["failed"] += 1
            errors.append(_error("fetch_failed", f"{what}: {_why(started.job)}"))
            text += ", not done"
        lines.append(f"{what}: {text}")
    return CommandResult(
        "partial" if errors else "ok",
        counters,
        errors,
        data={"lines": lines},
        action="fetch",
        exit_code=ExitCode.FAILED if errors else ExitCode.DONE,
    )


def _init(connections: QuerySet[Integration], options: dict[str, Any]) -> CommandResult:
    connection = connections.first()
    if connection is None:
        return CommandResult.failed("not_found", f"no connection {options['id']} here", action="init")
    cls = routing.init_job(connection)
    if cls is None:
        text = f"{connection.provider} has no initialization for {connection.instance_type!r}"
        return CommandResult.failed("no_initialization", text, action="init")
    if options["dry_run"]:
        return CommandResult(action="init", data={"lines": [f"{cls.name} would be queued for {connection}."]})
    job = connecting.queue_initialization(
        connection, by_hand=True, force=options["force"] or options["resume"], resume=options["resume"]
    )
    if job is None:
        text = (
            f"{connection} is {connection.get_init_status_display()}: --force does it again, --resume goes on"
        )
        return CommandResult.failed("done_before", text, action="init")
    if options["sync"] and not fetching.run_here(job):
        return CommandResult.failed("init_failed", _why(job), action="init")
    return CommandResult(
        action="init",
        counters={"queued": 1},
        data={"job": str(job.pk), "lines": [f"{cls.name}: job {job.pk}"]},
    )


def _check(connections: QuerySet[Integration], options: dict[str, Any]) -> CommandResult:
    both = options["stuck"] == options["errors"]
    lines, data, counters = [], {}, {}
    for name, wanted, found in (
        ("stuck", both or options["stuck"], health.stuck(connections)),
        ("errors", both or options["errors"], health.with_errors(connections)),
    ):
        if not wanted:
            continue
        described = [health.describe(connection) for connection in found.order_by("provider", "name")]
        counters[name] = len(described)
        data[name] = described
        lines += [_line(name, each) for each in described]
    number = sum(counters.values())
    return CommandResult(
        "failed" if number else "ok",
        counters,
        data={**data, "lines": lines or ["All connections are as they should be."]},
        action="check",
        exit_code=ExitCode.FAILED if number else ExitCode.DONE,
    )


def _health(connections: QuerySet[Integration], account: Account | None) -> CommandResult:
    jobs = Job.objects.all() if account is None else Job.objects.filter(account=account)
    numbers = health.health(connections, jobs)
    findings = list(numbers.findings())
    critical = any(finding.severity == "critical" for finding in findings)
    return CommandResult(
        "failed" if critical else "ok",
        counters={"pending": numbers.pending, "failed": numbers.failed, "stuck": numbers.stuck},
        data={
            "health": numbers.as_dict(),
            "alerts": [_as_dict(finding) for finding in findings],
            "connections": health.overdue(connections),
            "lines": _health_lines(numbers, findings),
        },
        action="health",
        exit_code=ExitCode.FAILED if critical else ExitCode.DONE,
    )


def _monitor(options: dict[str, Any]) -> CommandResult:
    numbers, findings = monitor.find(Limits(options["alert_threshold"], options["stale_threshold"]))
    if options["notify"] and not options["dry_run"]:
        monitor.notify(findings)
    return CommandResult(
        "failed" if findings else "ok",
        counters={"issues": len(findings)},
        data={
            "health": numbers.as_dict(),
            "issues": [_as_dict(finding) for finding in findings],
            "lines": [f"{each.severity}: {each.message}" for each in findings] or ["Nothing is wrong."],
        },
        action="monitor",
        exit_code=ExitCode.FAILED if findings else ExitCode.DONE,
    )


def _health_lines(numbers: health.Health, findings: list[Finding]) -> list[str]:
    rate = "nothing ended" if numbers.success_rate is None else f"{numbers.success_rate:.1%}"
    services = ", ".join(f"{count} {name}" for name, count in numbers.by_service.items()) or "none"
    return [
        f"jobs         {numbers.pending} due ({numbers.stale} for over 10 min), {numbers.failed} failed",
        f"success 24h  {rate} ({numbers.success})",
        f"connections  {numbers.total} in all, {numbers.active_24h} worked within 24 h, "
        f"{numbers.stuck} stuck, {numbers.errors} with errors",
        f"services     {services}",
        *(f"{finding.severity}: {finding.message}" for finding in findings),
    ]


def _line(name: str, described: dict[str, Any]) -> str:
    what = f"{described['id']}  {described['name']} ({described['provider']} {described['instance_type']})"
    if name == "stuck":
        return f"{what}: stuck, processing since {described['processing_since']:%Y-%m-%d %H:%M:%S} UTC"
    times = described["error_count"]
    return (
        f"{what}: failed {times} time{'' if times == 1 else 's'}, "
        f"last {described['last_error_at']:%H:%M:%S} UTC, "
        f"{described['last_error_code']}: {described['last_error_message']}"
    )


def _why(job: Job) -> str:
    job.refresh_from_db()
    if job.error_message:
        return f"{job.error_code}: {job.error_message}"
    waits = f"waits until {job.run_at:%H:%M:%S} UTC: {job.wait_reason}" if job.is_open else ""
    return waits or "see the chunks of its run (`manage.py queue failed`)"


def _as_dict(finding: Finding) -> dict[str, str]:
    return {"code": finding.code, "severity": finding.severity, "message": finding.message}


def _error(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "account_id": None, "external_id": None}


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None:
        day = parse_date(text)
        if day is None:
            raise ValueError(text)
        moment = datetime(day.year, day.month, day.day)
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=UTC)
    return moment


_moment.__name__ = "time (2026-03-01 or 2026-03-01T08:00:00Z)"
