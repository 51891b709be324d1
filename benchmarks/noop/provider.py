"""The same nothing as a job of a short class and as one job a delivery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.noop.record import note
from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from synclogs.models import JobQueue


class NoopJob(BaseJob):
    """Notes its number."""

    provider = "bench"
    queue = JobQueue.PROCESS

    @classmethod
    def unique_key(cls, integration: Any, args: Mapping[str, Any]) -> str:
        """Each number is work of its own."""
        return f"{cls.name}_{args['number']}"

    def handle(self) -> None:
        """Note it."""
        note(self.args["number"])


@register_job
class ShortNoopJob(NoopJob):
    """Several due jobs are claimed a delivery."""

    name = "bench.short"
    short = True


@register_job
class SingleNoopJob(NoopJob):
    """One job a delivery."""

    name = "bench.single"
