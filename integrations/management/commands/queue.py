"""manage.py queue status|pending|active|failed|retry|clear"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from integrations.jobs import monitoring, operations
from integrations.jobs.monitoring import Limits
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, UsageError
from synclogs.models import WAITING_JOB_STATUSES, Job, JobQueue, JobStatus

ACTIONS = ("status", "pending", "active", "failed", "retry", "clear")
LISTS = ("pending", "active", "failed")
DEFAULT_LIMIT = 50
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
STATUS_COLUMNS = (
    "queue",
    "pending",
    "delayed",
    "running",
    "retry_wait",
    "failed",
    "oldest_pending_s",
    "throughput_per_hour",
    "mean_duration_s",
    "p95_duration_s",
    "workers",
)


class Command(OperatorCommand):
    """Look at the queue, retry what failed, clear what nobody wants."""

    help = (
        "status: numbers a queue, exit 1 beyond a limit. pending, active, failed: lists. retry: queues "
        "failed jobs again, by id or --all (those not retried yet). clear: deletes failed jobs, or with "
        "--pending those that wait; never running ones."
    )
    dry_run_help = "With retry and clear: say what would be done and write nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and to which jobs."""
        super().add_arguments(parser)
        parser.add_argument("action", choices=ACTIONS, help="What to do.")
        parser.add_argument("ids", nargs="*", type=_job_id, metavar="ID", help="With retry: the jobs' ids.")
        parser.add_argument("--account", metavar="ID", help="Only jobs of this account.")
        parser.add_argument(
            "--queue", choices=JobQueue.values, action="append", help="Only this queue; repeatable."
        )
        parser.add_argument("--service", help="Only jobs of this provider.")
        parser.add_argument("--since", type=_age, metavar="AGE", help="Only what ended within 30m, 12h, 7d.")
        parser.add_argument("--older-than", type=_age, metavar="AGE", help="With clear: only what is older.")
        parser.add_argument("--limit", type=int, default=DEFAULT_LIMIT, help="Lines shown (default: 50).")
        parser.add_argument(
            "--all", action="store_true", help="With retry: every failed job not retried yet."
        )
        parser.add_argument(
            "--pending", action="store_true", help="With clear: jobs that wait, not failed ones."
        )
        parser.add_argument("--yes", action="store_true", help="With clear: do it.")
        limits = Limits()
        parser.add_argument(
            "--max-pending",
            type=int,
            default=limits.pending,
            metavar="N",
            help="status: more due jobs a queue are a breach.",
        )
        parser.add_argument(
            "--max-age",
            type=float,
            default=limits.oldest_pending_s,
            metavar="SECONDS",
            help="status: an older due job is a breach.",
        )
        parser.add_argument(
            "--max-failed",
            type=int,
            default=limits.failed_24h,
            metavar="N",
            help="status: more failures in a day are a breach.",
        )

    def only_reads(self, options: dict[str, Any]) -> bool:
        """Only retry and clear write."""
        return super().only_reads(options) or options["action"] not in ("retry", "clear")

    def perform(self, **options: Any) -> CommandResult:
        """Do what was asked."""
        action: str = options["action"]
        _refuse_nonsense(action, options)
        jobs = self._jobs(options)
        if action == "status":
            return _status(jobs, options)
        if action in LISTS:
            return _listing(jobs, action, options)
        return _retry(jobs, options) if action == "retry" else _clear(jobs, options)

    def show(self, result: CommandResult, **options: Any) -> None:
        """A table, a list, or one line."""
        if result.action == "status":
            self._show_status(result)
        elif result.action in LISTS:
            self._show_jobs(result)
        else:
            verb = {"retry": "queued again", "clear": "deleted"}[result.action]
            count = result.counters.get("retried", result.counters.get("cleared", 0))
            self.out(
                f"{count} job{'' if count == 1 else 's'} {'would be ' if options['dry_run'] else ''}{verb}."
            )

    def _jobs(self, options: dict[str, Any]) -> QuerySet[Job]:
        jobs = Job.objects.all()
        if options["account"]:
            account = self.validate_account_id(options["account"])
            if account is None:
                raise UsageError("that account may not be used", code="account")
            jobs = Job.objects.for_account(account)
        if options["queue"]:
            jobs = jobs.filter(queue__in=options["queue"])
        if options["service"]:
            jobs = jobs.filter(provider=options["service"])
        return jobs

    def _show_status(self, result: CommandResult) -> None:
        rows = [[_cell(numbers[column]) for column in STATUS_COLUMNS] for numbers in result.data["queues"]]
        headings = [column.removesuffix("_s").replace("_", " ") for column in STATUS_COLUMNS]
        widths = [max(map(len, cells)) for cells in zip(headings, *rows, strict=True)]
        for cells in (headings, *rows):
            line = "  ".join(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
            self.out(f"{cells[0]:<{widths[0]}}  {line}")

    def _show_jobs(self, result: CommandResult) -> None:
        for job in result.data["jobs"]:
            moment = job["finished_at"] or job["started_at"] or job["run_at"]
            about = job["integration"] or "-"
            when = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
            self.out(f"{job['id']}  {when}  {job['name']}  {about}  {job['attempts']} failures")
            for label in ("owner", "wait_reason", "error_message", "hint"):
                if job[label]:
                    self.out(f"    {label.replace('_', ' ')}: {job[label]}")
        self.out(f"{result.counters['shown']} of {result.counters['total']} {result.action} jobs.")


def _refuse_nonsense(action: str, options: dict[str, Any]) -> None:
    if options["limit"] < 1:
        raise UsageError("--limit is a whole number above 0")
    if options["ids"] and (action != "retry" or options["all"]):
        raise UsageError("ids go with `retry`, and not together with --all")
    if action == "retry" and not (options["ids"] or options["all"]):
        raise UsageError("say which: ids, or --all")
    if action == "clear" and not (options["yes"] or options["dry_run"]):
        raise UsageError("clear deletes jobs for good: add --yes, or --dry-run to see how many")


def _status(jobs: QuerySet[Job], options: dict[str, Any]) -> CommandResult:
    numbers = monitoring.queue_numbers(options["queue"] or (), jobs)
    limits = Limits(options["max_pending"], options["max_age"], options["max_failed"])
    breaches = [breach for queue in numbers for breach in limits.breaches(queue)]
    counted = ("pending", "delayed", "running", "retry_wait", "failed")
    return CommandResult(
        "failed" if breaches else "ok",
        action="status",
        counters={name: sum(getattr(queue, name) for queue in numbers) for name in counted},
        errors=[_error("threshold", breach) for breach in breaches],
        data={"queues": [queue.as_dict() for queue in numbers]},
        exit_code=ExitCode.FAILED if breaches else ExitCode.DONE,
    )


def _listing(jobs: QuerySet[Job], action: str, options: dict[str, Any]) -> CommandResult:
    if action == "failed":
        jobs = monitoring.dead_letters(_within(jobs, options))
    elif action == "active":
        jobs = jobs.filter(status=JobStatus.RUNNING).order_by("started_at")
    else:
        jobs = jobs.filter(status__in=WAITING_JOB_STATUSES).order_by("run_at")
    lines = monitoring.list_jobs(jobs, options["limit"])
    counters = {"total": jobs.count(), "shown": len(lines)}
    return CommandResult(action=action, counters=counters, data={"jobs": lines})


def _retry(jobs: QuerySet[Job], options: dict[str, Any]) -> CommandResult:
    if options["ids"]:
        chosen = list(jobs.filter(pk__in=options["ids"]).select_related("account", "integration"))
    else:
        waiting = monitoring.dead_letters(_within(jobs, options))
        chosen = list(waiting.select_related("account", "integration"))
    missing = set(options["ids"]) - {str(job.pk) for job in chosen}
    errors = [_error("not_found", f"no job {pk} here") for pk in sorted(missing)]
    if not chosen:
        errors = errors or [_error("none_matched", "no failed job matches")]
        return CommandResult("failed", {"retried": 0}, errors, action="retry", exit_code=ExitCode.FAILED)
    if options["dry_run"]:
        possible = [job for job in chosen if job.status in (JobStatus.FAILED, JobStatus.CANCELLED)]
        return CommandResult("ok", {"retried": len(possible)}, errors, action="retry")
    done = operations.retry_jobs(chosen)
    errors += [_error("refused", reason) for reason in done.refused.values()]
    return CommandResult(
        ("partial" if done.jobs else "failed") if errors else "ok",
        {"retried": len(done.jobs), "refused": len(done.refused)},
        errors,
        data={"jobs": [{"id": str(job.pk), "retry_of": str(job.retry_of_id)} for job in done.jobs]},
        action="retry",
        exit_code=ExitCode.FAILED if errors else ExitCode.DONE,
    )


def _clear(jobs: QuerySet[Job], options: dict[str, Any]) -> CommandResult:
    statuses = WAITING_JOB_STATUSES if options["pending"] else (JobStatus.FAILED,)
    jobs = jobs.filter(status__in=statuses)
    if options["older_than"]:
        moment = "created_at__lt" if options["pending"] else "finished_at__lt"
        jobs = jobs.filter(**{moment: options["older_than"]})
    count = jobs.count() if options["dry_run"] else operations.clear_jobs(jobs)
    return CommandResult(action="clear", counters={"cleared": count})


def _within(jobs: QuerySet[Job], options: dict[str, Any]) -> QuerySet[Job]:
    return jobs.filter(finished_at__gte=options["since"]) if options["since"] else jobs


def _age(text: str) -> datetime:
    """The moment that lies `30m`, `12h` or `7d` in the past."""
    number, unit = text[:-1], text[-1:].lower()
    if unit not in UNITS or not number.isdecimal():
        raise ValueError(text)
    return timezone.now() - timedelta(**{UNITS[unit]: int(number)})


_age.__name__ = "age (30m, 12h, 7d)"


def _job_id(text: str) -> str:
    return str(UUID(text))


_job_id.__name__ = "job id"


def _error(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "account_id": None, "external_id": None}


def _cell(value: object) -> str:
    return "-" if value is None else str(value)
