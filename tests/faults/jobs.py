"""Job classes made to be killed. Their effects are rows, so that a lost or doubled one can be counted."""

from __future__ import annotations

import os
import signal
import time
from typing import Any, ClassVar

from django.db import transaction

from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from integrations.jobs.sync_job import BaseSyncJob
from synclogs.counts import Counts
from synclogs.models import JobQueue
from tests.faults import effects

ROWS_PER_BATCH = 3


class EffectJob(BaseJob):
    """Works for `args["seconds"]`, then leaves one effect behind in the transaction that ends it."""

    provider = "faults"
    queue = JobQueue.FETCH
    timeout = 60

    @classmethod
    def unique_key(cls, integration: Any, args: Any) -> str:
        """Each is work of its own."""
        return f"{cls.name}_{args['key']}"

    def handle(self) -> None:
        """Work."""
        time.sleep(self.args.get("seconds", 0))

    def on_succeeded(self) -> None:
        """Leave the effect behind."""
        effects.add(self.args["key"], "done")


@register_job
class SleepJob(EffectJob):
    """Takes its time."""

    name = "faults.sleep"
    job_type = "sleep"


@register_job
class ShortJob(EffectJob):
    """Takes next to none."""

    name = "faults.short"
    job_type = "short"
    short = True


@register_job
class ShortPoisonJob(EffectJob):
    """Takes its process along when its key says so."""

    name = "faults.short_poison"
    job_type = "short_poison"
    short = True

    def handle(self) -> None:
        """Die, or not."""
        if str(self.args["key"]).startswith("poison"):
            os.kill(os.getpid(), signal.SIGKILL)


@register_job
class SlowJob(EffectJob):
    """Takes longer than it may."""

    name = "faults.slow"
    job_type = "slow"
    timeout = 1
    backoff = (0.5,)

    def handle(self) -> None:
        """Hang."""
        time.sleep(30)


@register_job
class BatchRunJob(BaseSyncJob):
    """A run of `args["batches"]` batches, each one transaction of three effects, counts and checkpoint."""

    name = "faults.batches"
    provider = "faults"
    job_type = "batches"
    sync_type: ClassVar[str] = "fault_batches"
    timeout = 60

    def sync(self) -> None:
        """Write what the checkpoint does not say is written."""
        first = self.run.checkpoint.get("next", 0)
        for batch in range(first, self.args["batches"]):
            self.check()
            time.sleep(self.args["seconds"])
            with transaction.atomic():
                for row in range(ROWS_PER_BATCH):
                    effects.add(self.args["key"], f"{batch}.{row}")
                self.run.add_batch(Counts(created=ROWS_PER_BATCH), checkpoint={"next": batch + 1})
