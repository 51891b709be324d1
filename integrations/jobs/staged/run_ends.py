"""The end of a staged run: whichever of its jobs ends last writes it, under a lock on the run's row."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone

from integrations.jobs import hooks
from integrations.models import DeliveryStatus, Integration, RawPayload, WebhookDelivery
from synclogs.models import SyncLog, SyncPhase, SyncStatus


def chunk_ended(run_id: UUID, *, ok: bool) -> None:
    """Count the end of a processing job, and end its run if it was the last.

    Call it once in the transaction that ends the job. A run that has ended already is left alone.
    """
    run = _locked(run_id)
    if run is None or not run.is_open:
        return
    column = "jobs_ok" if ok else "jobs_failed"
    SyncLog.objects.filter(pk=run_id).update(**{column: F(column) + 1})
    run.refresh_from_db()
    _end_if_done(run)


def end_if_done(run_id: UUID) -> None:
    """End a run that fetches no more and whose processing jobs have all ended."""
    run = _locked(run_id)
    if run is not None and run.is_open:
        _end_if_done(run)


def _locked(run_id: UUID) -> SyncLog | None:
    return SyncLog.objects.select_for_update(of=("self",)).filter(pk=run_id).first()


def _end_if_done(run: SyncLog) -> None:
    if run.phase != SyncPhase.PROCESSING or run.jobs_ok + run.jobs_failed < run.jobs_total:
        return
    end(run)


def end(run: SyncLog) -> None:
    """Give a staged run the end that its jobs and records add up to.

    Completed when all is well; failed when nothing was processed for good; else a warning that says what is
    missing. What ended the fetching early stands in the run's `error_code` and `error_message`.
    """
    problems = _problems(run)
    if not problems:
        run.complete()
    elif run.jobs_ok == 0 and (run.jobs_failed or run.error_code):
        run.fail(" ".join(problems), run.error_details, code=run.error_code or "jobs_failed")
    else:
        run.complete_with_warning(" ".join(problems), code=run.error_code or "records_lost")
    _tell_delivery(run)
    served = RawPayload.objects.filter(run=run).order_by().values("integration")
    Integration.objects.filter(Q(pk=run.integration_id) | Q(pk__in=served)).update(
        last_processed_at=timezone.now(), processing_started_at=None
    )
    if run.job is not None and run.sync_status != SyncStatus.FAILED:
        hooks.run_ended(run.job, run)


def _tell_delivery(run: SyncLog) -> None:
    """A webhook's delivery is done with when its chunks are."""
    delivery = run.job.args.get("delivery") if run.job is not None else None
    if delivery is None:
        return
    failed = run.sync_status == SyncStatus.FAILED
    WebhookDelivery.objects.filter(pk=delivery).update(
        status=DeliveryStatus.FAILED if failed else DeliveryStatus.PROCESSED,
        error=run.error_message[:500] if failed else "",
        processed_at=timezone.now(),
    )


def _problems(run: SyncLog) -> list[str]:
    found = []
    if run.error_code:
        found.append(f"Not everything was fetched: {run.error_message}")
    if run.jobs_failed:
        found.append(f"{run.jobs_failed} of {run.jobs_total} chunks failed: see the jobs of this run.")
    if run.records_failed:
        noun = "record" if run.records_failed == 1 else "records"
        found.append(f"{run.records_failed} {noun} could not be taken: see the issues.")
    return found
