"""The job that prunes once a day."""

from __future__ import annotations

from integrations.jobs.base import BaseJob
from integrations.jobs.outcomes import JobFailed
from integrations.jobs.registry import register_job
from integrations.retention.prune import prune


@register_job
class PruneJob(BaseJob):
    """Deletes rows past their retention, for at most four minutes a day."""

    name = "platform.prune"
    job_type = "prune"
    timeout = 300
    max_seconds = 240.0

    def handle(self) -> str | None:
        """Prune. Fails, after everything else was pruned, when a table could not be."""
        pruned = prune(max_seconds=self.max_seconds, check=self.check)
        if pruned.errors:
            raise JobFailed(
                f"could not be pruned: {', '.join(sorted(pruned.errors))}",
                code="database",
                actionable_message="Read the log for what the database said; the next prune tries again.",
            )
        return f"{pruned.total} rows"[:20]
