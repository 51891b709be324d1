"""SyncLog: opening, counting, ending a run, and who may."""

from __future__ import annotations

import uuid

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account
from synclogs.counts import Counts
from synclogs.models import RunFenced, SyncAlreadyRunning, SyncLog, SyncPhase, SyncStatus
from tests.factories import RegionFactory, UserFactory

pytestmark = pytest.mark.django_db


def start(sync_type: str = "circuit_list", **kwargs: object) -> SyncLog:
    """Open a run of the platform's account."""
    return SyncLog.start(sync_type, account=Account.objects.platform(), **kwargs)


def test_a_run_starts_with_what_it_is_about() -> None:
    user, region = UserFactory(), RegionFactory(code="NF2")
    run = start(
        sync_trigger="scheduled",
        region=region,
        api_status_filter="ACTIV,QC",
        triggered_by=user,
        context={"note": 1},
    )
    run.refresh_from_db()
    assert (run.sync_status, run.sync_trigger, run.triggered_by) == (SyncStatus.STARTED, "scheduled", user)
    assert run.scope == "NF2"
    assert run.context == {"note": 1, "api_status_filter": "ACTIV,QC", "region_id": region.pk}
    assert run.is_open
    assert run.get_sync_status_display() == "running"


def test_a_run_completes_with_its_duration_and_gives_its_lock_back() -> None:
    run = start(lock_key="k")
    run.complete()
    run.refresh_from_db()
    assert (run.sync_status, run.lock_key, run.phase) == (SyncStatus.COMPLETED, None, SyncPhase.NONE)
    assert run.completed_at is not None
    assert run.duration_seconds is not None
    assert run.duration_seconds >= 0


@pytest.mark.parametrize("prefix", ["", "records_", "circuits_"])
def test_results_are_taken_under_any_alias_and_unchanged_is_what_remains(prefix: str) -> None:
    run = start()
    run.complete({f"{prefix}processed": 10, f"{prefix}created": 3, f"{prefix}updated": 2})
    run.refresh_from_db()
    assert run.counts == Counts(created=3, updated=2, unchanged=5)
    assert run.records_processed == 10


def test_results_that_do_not_add_up_are_refused_and_the_run_stays_open() -> None:
    run = start()
    with pytest.raises(ValueError, match="do not add up"):
        run.complete({"processed": 1, "created": 3})
    run.refresh_from_db()
    assert run.is_open


def test_a_warning_keeps_its_message_and_is_spelled_out_for_machines() -> None:
    run = start()
    run.complete_with_warning(
        "2 records could not be taken", {"processed": 5, "failed": 2}, code="records_lost"
    )
    run.refresh_from_db()
    assert (run.sync_status, run.status_for_machines) == (SyncStatus.WARNING, "completed_with_warning")
    assert (run.error_code, run.error_message) == ("records_lost", "2 records could not be taken")
    assert run.as_dict()["status"] == "completed_with_warning"
    assert run.counts == Counts(unchanged=3, failed=2)


def test_a_failure_keeps_the_counts_reached_and_no_secrets() -> None:
    run = start(lock_key="k")
    run.add_batch(Counts(created=4, failed=1))
    run.fail("it broke, password=hunter2hunter2", {"token": "abcdef123456", "step": 3}, code="broken")
    run.refresh_from_db()
    assert (run.sync_status, run.error_code, run.lock_key) == (SyncStatus.FAILED, "broken", None)
    assert run.counts == Counts(created=4, failed=1)
    assert "hunter2" not in run.error_message
    assert "abcdef" not in str(run.error_details)
    assert run.error_details["step"] == 3


def test_a_cancelled_run_says_so() -> None:
    run = start()
    run.cancel()
    run.refresh_from_db()
    assert (run.sync_status, run.error_code) == (SyncStatus.CANCELLED, "cancelled")


def test_two_runs_of_one_lock_exclude_each_other_until_the_first_ends() -> None:
    first = start(lock_key="k")
    with pytest.raises(SyncAlreadyRunning) as error:
        start(lock_key="k")
    assert error.value.running == first
    assert SyncLog.objects.count() == 1
    start(lock_key="other")
    first.complete()
    assert start(lock_key="k").is_open


def test_runs_without_a_lock_do_not_meet() -> None:
    start()
    assert start().is_open


@pytest.mark.parametrize("column", ["created", "updated", "unchanged", "skipped", "failed"])
def test_the_database_refuses_counts_that_do_not_balance(column: str) -> None:
    run = start()
    with pytest.raises(IntegrityError), transaction.atomic():
        SyncLog.objects.filter(pk=run.pk).update(**{f"records_{column}": 1})
    SyncLog.objects.filter(pk=run.pk).update(**{f"records_{column}": 1, "records_processed": 1})
    SyncLog.objects.filter(pk=run.pk).update(records_removed=7)


def test_batches_add_up_in_the_row_and_in_memory() -> None:
    run = start()
    run.add_batch(Counts(created=2, skipped=1), checkpoint={"page": 1})
    run.add_batch(Counts(updated=1, unchanged=3), checkpoint={"page": 2})
    assert run.counts == Counts(created=2, updated=1, unchanged=3, skipped=1)
    stored = SyncLog.objects.get(pk=run.pk)
    assert stored.counts == run.counts
    assert (stored.records_processed, stored.checkpoint) == (7, {"page": 2})


def test_counts_can_be_put_back_to_an_earlier_state() -> None:
    run = start()
    run.add_batch(Counts(created=2))
    run.reset_counts(Counts(created=1))
    assert SyncLog.objects.get(pk=run.pk).counts == Counts(created=1) == run.counts


class TestFence:
    """Who lost the run changes nothing any more."""

    @pytest.fixture
    def lost(self) -> SyncLog:
        run = start(owner_token="mine")
        SyncLog.objects.filter(pk=run.pk).update(owner_token="another's")
        return run

    def test_no_batch(self, lost: SyncLog) -> None:
        with pytest.raises(RunFenced):
            lost.add_batch(Counts(created=1))
        assert SyncLog.objects.get(pk=lost.pk).counts == Counts()

    def test_no_note(self, lost: SyncLog) -> None:
        with pytest.raises(RunFenced):
            lost.note(phase=SyncPhase.PROCESSING)

    def test_no_end(self, lost: SyncLog) -> None:
        for end in (
            lost.complete,
            lost.cancel,
            lambda: lost.fail("x"),
            lambda: lost.complete_with_warning("x"),
        ):
            with pytest.raises(RunFenced):
                end()
        assert SyncLog.objects.get(pk=lost.pk).is_open

    def test_an_ended_run_stays_as_it_ended(self) -> None:
        run = start()
        run.complete()
        with pytest.raises(RunFenced):
            run.fail("too late")
        with pytest.raises(RunFenced):
            run.add_batch(Counts(created=1))
        assert SyncLog.objects.get(pk=run.pk).sync_status == SyncStatus.COMPLETED

    def test_the_new_owner_may(self, lost: SyncLog) -> None:
        SyncLog.objects.get(pk=lost.pk).owned_by("another's").complete()
        assert not SyncLog.objects.get(pk=lost.pk).is_open


def test_a_run_that_does_not_exist_is_fenced_too() -> None:
    run = start()
    run.pk = uuid.uuid4()
    with pytest.raises(RunFenced):
        run.note(phase=SyncPhase.FETCHING)
