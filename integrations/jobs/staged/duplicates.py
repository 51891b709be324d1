"""Whether the same content was just taken in: the first layer against doing work twice."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from synclogs.models import Job, JobStatus, SyncTrigger

REMEMBERED = timedelta(hours=1)
LOOKED_AT = timedelta(days=1)
SKIPPED = "skipped"
NOTHING_TAKEN_IN = (SKIPPED, "gone", "split", "done before")
MEANT = (SyncTrigger.RETRY.value, SyncTrigger.MANUAL.value, SyncTrigger.BACKFILL.value)


def is_duplicate(job: Job) -> bool:
    """Whether a job of the same key has succeeded within the hour, and nothing else was taken in since.

    When another run has since taken in something else from this connection, what this job brings may be a
    return to an earlier state, and is taken in. So is what a person asked for.
    """
    if job.args.get("trigger") in MEANT:
        return False
    now = timezone.now()
    done = Job.objects.filter(
        status=JobStatus.SUCCEEDED,
        integration=job.integration_id,
        name=job.name,
        created_at__gt=now - LOOKED_AT,
        finished_at__gt=now - REMEMBERED,
    )
    same = done.filter(unique_key=job.unique_key, result__in=("", SKIPPED))
    before = same.order_by("-finished_at").values_list("finished_at", "run_id").first()
    if before is None:
        return False
    finished_at, run_id = before
    since = (
        done.filter(finished_at__gt=finished_at)
        .exclude(result__in=NOTHING_TAKEN_IN)
        .exclude(unique_key=job.unique_key)
    )
    return not since.exclude(run_id__in=[run for run in (run_id, job.run_id) if run]).exists()
