"""Job classes that do what a test tells them to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from integrations.jobs.base import BaseJob
from integrations.jobs.outcomes import Decision
from integrations.jobs.registry import register_job
from integrations.jobs.sync_job import BaseSyncJob
from synclogs.models import JobQueue

Act = Callable[[Any], str | None]
acts: dict[str, Act] = {}
called: list[str] = []


@contextmanager
def acting(**now: Act) -> Iterator[list[str]]:
    """Within the block, `now["handle"]` and the hooks' names say what the jobs do; yields what was called."""
    acts.update(now)
    called.clear()
    try:
        yield called
    finally:
        acts.clear()


def _act(name: str, work: Any) -> str | None:
    called.append(name)
    return acts[name](work) if name in acts else None


class Acting:
    """The hooks of a job, as the test wants them."""

    def handle(self) -> str | None:
        """Do as told."""
        return _act("handle", self)

    def on_succeeded(self) -> None:
        """Do as told."""
        _act("on_succeeded", self)

    def on_failed(self, decision: Decision) -> None:
        """Do as told."""
        _act("on_failed", self)

    def on_cancelled(self) -> None:
        """Do as told."""
        _act("on_cancelled", self)

    def on_waiting(self, decision: Decision) -> None:
        """Do as told."""
        _act("on_waiting", self)


@register_job
class ActingJob(Acting, BaseJob):
    """A plain job."""

    name = "tests.acting"
    provider = "tests"
    job_type = "acting"
    queue = JobQueue.FETCH
    timeout = 5
    backoff: ClassVar[tuple[float, ...]] = (60, 300, 600)


@register_job
class OnceJob(ActingJob):
    """One that is not retried."""

    name = "tests.once"
    job_type = "once"
    backoff = ()


@register_job
class ShortActingJob(Acting, BaseJob):
    """One of a short class; each argument is work of its own."""

    name = "tests.short"
    provider = "tests"
    job_type = "short"
    queue = JobQueue.PROCESS
    timeout = 5
    short = True

    @classmethod
    def unique_key(cls, integration: Any, args: Mapping[str, Any]) -> str:
        """The number says what it is about."""
        return f"short_{args['n']}"


@register_job
class ActingSync(BaseSyncJob):
    """A run that writes what the test wants; the engine's own hooks end it."""

    name = "tests.sync"
    provider = "tests"
    job_type = "sync"
    sync_type: ClassVar[str] = "tests"
    timeout = 5
    backoff = (60,)

    def sync(self) -> None:
        """Do as told."""
        _act("sync", self)

    def finish(self) -> None:
        """Do as told, then end the run."""
        _act("finish", self)
        super().finish()
