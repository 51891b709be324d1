"""manage.py sync_workflows"""

from __future__ import annotations

import logging
import random
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from integrations.providers.zuora import services
from integrations.providers.zuora.models import CustomerStatus, ZuoraCustomer
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, reporter_for
from synclogs.critical import handle_worker_error
from synclogs.models import Job, JobQueue, SyncTrigger
from synclogs.redaction import redact_text

logger = logging.getLogger("syncplatform.zuora")

STAGGER_SECONDS = 60
LARGEST_ID = 2**63 - 1


class SyncFailed(CommandError):
    """The command could not do what was asked; exit code 1."""

    code = "sync_failed"

    def __init__(self, text: str) -> None:
        super().__init__(f"Sync failed: {text}", returncode=ExitCode.FAILED)


class Command(OperatorCommand):
    """Dispatch syncs of Zuora workflows, for one customer or for all that are due."""

    help = (
        "Dispatches a sync of Zuora workflows for one customer, or for every active customer that was not "
        "synced within the last hour. Customers are spread over a minute. When the queue's broker is down, "
        "the syncs run in this process (ZUORA_QUEUE_FALLBACK). Exit codes: 0 done, or nothing to do; 1 an "
        "error, also a bad id or queue."
    )
    dry_run_help = "Show which syncs would be dispatched, and dispatch none."
    random_source = random.SystemRandom()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which customer, and how."""
        super().add_arguments(parser)
        parser.add_argument(
            "customer_id", nargs="?", help="The id of one customer (default: all that are due)."
        )
        parser.add_argument(
            "--force", action="store_true", help="Sync although the last sync is less than an hour old."
        )
        parser.add_argument(
            "--queue",
            default=JobQueue.WORKFLOWS.value,
            help=f"The queue of the jobs: {', '.join(JobQueue.values)} (default: workflows).",
        )

    def perform(self, **options: Any) -> CommandResult:
        """Dispatch; every error is told as `Sync failed: ...`."""
        self._lines: list[str] = []
        self._quiet = options["quiet"] or options["json"]
        given = options["customer_id"]
        try:
            queue = _queue(options["queue"])
            if given is None:
                return self._sync_all(queue, options)
            return self._sync_one(_customer(given), queue, options)
        except Exception as error:
            raise self._failure(error, given) from error

    def _sync_one(
        self, customer: ZuoraCustomer, queue: JobQueue, options: Mapping[str, Any]
    ) -> CommandResult:
        force = options["force"]
        if not force and customer.is_fresh():
            self._say(f"Customer {customer.name} was synced recently. Use --force to override.")
            return CommandResult("skipped", {"selected": 0, "dispatched": 0})
        if customer.sync_status == CustomerStatus.INACTIVE:
            logger.warning("customer %s is inactive and synced because it was named", customer.pk)
        if options["dry_run"]:
            return self._preview([customer])
        if not self._is_available(queue):
            return self._sync_inline([customer], force=force)
        self._say(f"Syncing workflows for customer: {customer.name}")
        job = services.queue_sync(customer, force=force, queue=queue)
        _log_dispatch(customer, job)
        self._say(f"Sync job dispatched for customer: {customer.name}")
        return CommandResult(counters={"selected": 1, "dispatched": 1}, data={"jobs": [str(job.pk)]})

    def _sync_all(self, queue: JobQueue, options: Mapping[str, Any]) -> CommandResult:
        force = options["force"]
        customers = list(ZuoraCustomer.objects.due(force=force).select_related("account", "integration"))
        if not customers:
            self._say("No customers need syncing.")
            return CommandResult("skipped", {"selected": 0, "dispatched": 0})
        if options["dry_run"]:
            return self._preview(customers)
        if not self._is_available(queue):
            return self._sync_inline(customers, force=force)
        self._say(f"Dispatching sync jobs for {len(customers)} customers")
        result = self._dispatch(customers, queue, force=force)
        self._say(f"Sync jobs dispatched for {result.counters['dispatched']} customers")
        return result

    def _dispatch(self, customers: list[ZuoraCustomer], queue: JobQueue, *, force: bool) -> CommandResult:
        """One job a customer, each after a random number of seconds; one failure does not stop the others."""
        jobs: list[str] = []
        errors: list[dict[str, Any]] = []
        for customer in customers:
            delay = timedelta(seconds=self.random_source.randint(1, STAGGER_SECONDS))
            try:
                job = services.queue_sync(
                    customer,
                    force=force,
                    queue=queue,
                    run_at=timezone.now() + delay,
                    trigger=SyncTrigger.SCHEDULED,
                )
                _log_dispatch(customer, job)
                jobs.append(str(job.pk))
            except Exception as error:
                errors.append(_problem(customer, f"Sync failed: {customer.name}: {error}"))
                _log_failure(customer.pk, error)
        return _result(len(customers), len(jobs), errors, {"jobs": jobs})

    def _is_available(self, queue: JobQueue) -> bool:
        """Whether jobs can be handed over. Raises CommandError when not and nothing may take its place."""
        if services.is_queue_available(queue):
            return True
        text = f'Queue "{queue.value}" is unavailable'
        if not settings.ZUORA_QUEUE_FALLBACK:
            raise CommandError(text)
        self._say(f"{text}, running sync now")
        return False

    def _sync_inline(self, customers: Iterable[ZuoraCustomer], *, force: bool) -> CommandResult:
        """Run the jobs here, one after the other."""
        errors: list[dict[str, Any]] = []
        done = 0
        with reporter_for("workflows", quiet=self._quiet, as_json=self._quiet) as reporter:
            for customer in customers:
                synced = services.sync_now(customer, reporter, force=force)
                if synced.problem:
                    text = f"Sync failed for customer {customer.name}: {synced.problem}"
                    errors.append(_problem(customer, text))
                    _log_failure(customer.pk, synced.problem)
                else:
                    done += 1
                    self._say(f"Sync completed for customer: {customer.name}")
        return _result(done + len(errors), done, errors, {"inline": True})

    def _preview(self, customers: list[ZuoraCustomer]) -> CommandResult:
        for customer in customers:
            self._say(f"Dry run: a sync would be dispatched for customer: {customer.name}")
        counters = {"selected": len(customers), "dispatched": 0}
        return CommandResult(counters=counters, action="dry_run")

    def _say(self, line: str) -> None:
        if not self._quiet:
            self.out(line)

    def _failure(self, error: Exception, given: Any) -> SyncFailed:
        text = redact_text(str(error) or type(error).__name__)
        _log_failure(given, text)
        if not isinstance(error, CommandError):
            handle_worker_error(error, self.command_name, {"customer_id": given})
        return SyncFailed(text)


def _queue(name: str) -> JobQueue:
    if name not in JobQueue.values:
        raise CommandError(f'Queue "{name}" is not configured')
    return JobQueue(name)


def _customer(given: Any) -> ZuoraCustomer:
    text = str(given).strip()
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise CommandError(f"Invalid customer ID: {given}")
    number = int(text)
    rows = ZuoraCustomer.objects.select_related("account", "integration")
    found = rows.filter(pk=number).first() if number <= LARGEST_ID else None
    if found is None:
        raise CommandError(f"Customer {number} not found")
    return found


def _problem(customer: ZuoraCustomer, message: str) -> dict[str, Any]:
    return {
        "code": "sync_failed",
        "message": redact_text(message),
        "account_id": customer.account_id,
        "external_id": str(customer.pk),
    }


def _result(selected: int, done: int, errors: list[dict[str, Any]], data: dict[str, Any]) -> CommandResult:
    status = "ok" if not errors else "partial" if done else "failed"
    return CommandResult(
        status,
        {"selected": selected, "dispatched": done},
        errors,
        data,
        exit_code=ExitCode.FAILED if errors else ExitCode.DONE,
    )


def _log_dispatch(customer: ZuoraCustomer, job: Job) -> None:
    logger.info(
        "workflow sync dispatched: customer %s, queue %s, at %s, job %s",
        customer.pk,
        job.queue,
        job.run_at.isoformat(timespec="seconds"),
        job.pk,
    )


def _log_failure(customer_id: Any, error: object) -> None:
    extra = {"customer_id": customer_id, "error": redact_text(str(error))}
    logger.error("Workflow sync command failed", extra=extra)
