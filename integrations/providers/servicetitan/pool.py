"""Syncing many credentials at a time in this process: threads work, the main thread talks."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from django.db import connections

from integrations.http.deadline import Deadline
from integrations.jobs.outcomes import JobCancelled, LeaseLost
from integrations.providers.servicetitan.config import (
    DEFAULT_TIMEOUT,
    DataType,
    SyncConfiguration,
    SyncResult,
)
from integrations.providers.servicetitan.errors import InvalidCredentialsError, ServiceTitanApiError
from integrations.providers.servicetitan.models import ServiceTitanCredential
from integrations.providers.servicetitan.services import ServiceTitanIntegrationService
from synclogs.counts import Counts
from synclogs.models import RunFenced, SyncAlreadyRunning, SyncLog
from synclogs.progress import Reporter, SilentReporter
from synclogs.redaction import redact_text

logger = logging.getLogger("syncplatform.servicetitan")

POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Task:
    """One sync to be done: its time of `timeout` seconds begins when it does."""

    credential: ServiceTitanCredential
    data_type: DataType
    trigger: str
    timeout: float = DEFAULT_TIMEOUT
    retry_of: SyncLog | None = None

    def configuration(self) -> SyncConfiguration:
        """What to ask the service for, from now on."""
        return SyncConfiguration(
            self.data_type,
            self.trigger,
            incremental_only=True,
            deadline=Deadline(self.timeout),
            retry_of=self.retry_of,
        )


@dataclass(slots=True)
class Totals:
    """What came of all syncs; `records` counts those of successful ones."""

    credentials: int = 0
    successful: int = 0
    failed: int = 0
    records: int = 0
    began_at: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began_at


class Voice(Protocol):
    """Tells what happens. Called from the main thread only."""

    def started(self, task: Task) -> None:
        """A sync begins."""

    def completed(self, task: Task, result: SyncResult) -> None:
        """A sync has ended well."""

    def failed(self, task: Task, message: str, code: str) -> None:
        """A sync has failed, or was cancelled."""


class Pool:
    """Runs tasks, at most `max_concurrent` at a time; a slot is filled again as soon as it is free.

    `totals` is true at any time. `reporter` hears of progress, from the main thread.
    """

    def __init__(self, max_concurrent: int, voice: Voice, reporter: Reporter | None = None) -> None:
        self.totals = Totals()
        self._slots = max_concurrent
        self._voice = voice
        self._reporter = reporter or SilentReporter()
        self._service = ServiceTitanIntegrationService()
        self._news: SimpleQueue[Callable[[Reporter], None]] = SimpleQueue()
        self._stop = threading.Event()
        self._defect: Exception | None = None

    def run(self, tasks: Iterable[Task]) -> None:
        """Do all of it.

        An error that nobody expected stops new syncs; it is raised when those that run have ended.
        Interrupted by Ctrl-C, running syncs stop after their current page.
        """
        waiting = deque(tasks)
        running: dict[Future[SyncResult], Task] = {}
        with ThreadPoolExecutor(self._slots, thread_name_prefix="servicetitan") as executor:
            try:
                while running or (waiting and self._defect is None):
                    while waiting and len(running) < self._slots and self._defect is None:
                        task = waiting.popleft()
                        self._voice.started(task)
                        running[executor.submit(self._sync, task)] = task
                    done, _ = wait(running, POLL_SECONDS, FIRST_COMPLETED)
                    self._pass_on_news()
                    for future in done:
                        self._take(running.pop(future), future)
            except BaseException:
                self._stop.set()
                raise
        if self._defect is not None:
            raise self._defect

    def _sync(self, task: Task) -> SyncResult:
        """In a thread: sync one credential, and leave no database connection behind."""
        try:
            reporter = _Messenger(self._news, self._stop)
            return self._service.synchronize_data(task.credential, task.configuration(), reporter)
        finally:
            for connection in connections.all(initialized_only=True):
                connection.close()

    def _pass_on_news(self) -> None:
        while True:
            try:
                news = self._news.get_nowait()
            except Empty:
                return
            news(self._reporter)

    def _take(self, task: Task, future: Future[SyncResult]) -> None:
        """Count and tell what became of a sync."""
        credential = task.credential
        try:
            result = future.result()
        except SyncAlreadyRunning:
            logger.info("credential %s is being synced already, skipped", credential.pk)
        except ServiceTitanApiError as error:
            details = {"error": error.message, "actionable_message": error.actionable_message}
            self._log(logging.ERROR, "ServiceTitan API error during scheduled sync", credential, details)
            self._failed(task, error.message, error.code)
        except InvalidCredentialsError as error:
            self._service.mark_credential_as_error(credential, error.message)
            self._log_failure(credential, error.message)
            self._failed(task, error.message, error.code)
        except (JobCancelled, LeaseLost, RunFenced) as error:
            self._log_failure(credential, str(error))
            self._failed(task, str(error), getattr(error, "code", "lease_lost"))
        except Exception as error:
            trace = redact_text("".join(traceback.format_exception(error)))
            details = {"exception": type(error).__name__, "trace": trace}
            self._log(logging.CRITICAL, "Unexpected error during scheduled sync", credential, details)
            self._failed(task, str(error) or type(error).__name__, "unexpected")
            self._defect = self._defect or error
        else:
            self.totals.successful += 1
            self.totals.records += result.processed_count
            self._voice.completed(task, result)

    def _failed(self, task: Task, message: str, code: str) -> None:
        self.totals.failed += 1
        self._voice.failed(task, message, code)

    def _log_failure(self, credential: ServiceTitanCredential, message: str) -> None:
        details = {"company": credential.company, "error": message}
        self._log(logging.ERROR, "Sync failed for credential", credential, details)

    def _log(
        self, level: int, message: str, credential: ServiceTitanCredential, details: dict[str, Any]
    ) -> None:
        logger.log(level, message, extra={"credential_id": str(credential.pk), **details})


class _Messenger:
    """The reporter of a thread: tells the main thread, and stops the sync when the command stops."""

    def __init__(self, news: SimpleQueue[Callable[[Reporter], None]], stop: threading.Event) -> None:
        self._news = news
        self._stop = stop

    def phase(self, text: str) -> None:
        """A step begins."""
        self._tell(lambda reporter: reporter.phase(text))

    def expect(self, records: int) -> None:
        """More records are to come."""
        self._tell(lambda reporter: reporter.expect(records))

    def advance(self, counts: Counts) -> None:
        """A page is stored."""
        self._tell(lambda reporter: reporter.advance(counts))

    def _tell(self, news: Callable[[Reporter], None]) -> None:
        if self._stop.is_set():
            raise JobCancelled("the command was interrupted", rule="interrupted", code="interrupted")
        self._news.put(news)
