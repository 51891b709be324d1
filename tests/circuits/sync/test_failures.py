"""How a sync ends when WorkStudio fails, refuses, errs or answers nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from circuits import services
from circuits.models import Circuit
from circuits.statuses import ApiStatus
from circuits.sync.job import SyncCircuitsJob
from integrations.jobs.runner import run_job
from integrations.models import IntegrationStatus
from synclogs.counts import Counts
from synclogs.models import Job, JobStatus, SyncLog, SyncStatus
from tests.circuits.conftest import Sync, WorkStudio, circuit_row

ALL = ("ACTIV", "QC", "REWRK", "CLOSE")


def test_an_unreachable_server_fails_the_run_before_anything_is_asked(
    workstudio: WorkStudio, sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    workstudio.fault("status", status=503, match={}, times="forever")
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "unavailable")
    assert run.error_message == "WorkStudio API is unavailable"
    assert "WORKSTUDIO_API_URL" in run.error_details["what_to_do"]
    assert workstudio.calls() == []
    assert run.lock_key is None


def test_without_a_login_nothing_is_asked_and_the_run_says_what_to_set(
    workstudio: WorkStudio, sync: Sync, settings: Settings
) -> None:
    settings.WORKSTUDIO_USERNAME = ""
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "not_configured")
    assert "WORKSTUDIO_USERNAME" in run.error_message
    assert workstudio.server.mounts["workstudio"].journal.counts()["requests"] == 0


def test_a_refused_login_stops_at_once_and_the_way_back_is_a_good_run(
    workstudio: WorkStudio, sync: Sync, settings: Settings
) -> None:
    workstudio.seed(10)
    password, settings.WORKSTUDIO_PASSWORD = settings.WORKSTUDIO_PASSWORD, "wrong-password"
    run = sync(*ALL)
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "unauthorized")
    assert len(workstudio.calls()) == 1
    connection_row = services.workstudio_connection()
    assert (connection_row.status, connection_row.status_reason) == (
        IntegrationStatus.NEEDS_ATTENTION,
        "unauthorized",
    )
    assert connection_row.error_count == 1
    assert "wrong-password" not in str(run.as_dict()) + str(run.error_details)
    settings.WORKSTUDIO_PASSWORD = password
    assert sync(*ALL).sync_status == SyncStatus.COMPLETED
    connection_row.refresh_from_db()
    assert (connection_row.status, connection_row.error_count) == (IntegrationStatus.ACTIVE, 0)


def test_an_error_with_http_200_fails_the_run(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(10)
    workstudio.fault("error_200", message="View is locked")
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "protocol")
    assert "View is locked" in run.error_message
    assert Circuit.objects.count() == 0


def test_a_reply_of_an_unknown_protocol_fails_the_run(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.answer({"Protocol": "QUERYRESULT"})
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "protocol")


@pytest.mark.django_db
def test_a_long_wait_asked_for_by_the_vendor_postpones_the_job_and_keeps_the_run_open(
    workstudio: WorkStudio,
) -> None:
    workstudio.fault("status", status=429, headers={"Retry-After": "300"})
    job = services.queue_circuit_sync([ApiStatus.ACTIV])
    run_job(str(job.pk))
    job.refresh_from_db()
    assert SyncLog.objects.get(job=job).sync_status == SyncStatus.STARTED
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    assert 290 < (job.run_at - timezone.now()).total_seconds() <= 300


def test_a_failure_keeps_finished_statuses_and_asks_for_nothing_more(
    workstudio: WorkStudio, sync: Sync
) -> None:
    workstudio.seed(40)
    workstudio.fault("status", status=500, times="forever", match={"contains": '"REWRK"'})
    run = sync(*ALL)
    assert run.sync_status == SyncStatus.FAILED
    finished = Circuit.objects.filter(api_status__in=["ACTIV", "QC"]).count()
    assert run.counts == Counts(created=finished) == Counts(created=Circuit.objects.count())
    assert "CLOSE" not in workstudio.asked()
    assert list(Job.objects.values_list("name", flat=True)) == [SyncCircuitsJob.name]


ZERO = [
    {"Protocol": "DATASET", "DataSet": {"Heading": ["SS_JOBGUID"], "Data": []}},
    {"Protocol": "DATASET", "DataSet": {"Heading": ["SS_JOBGUID"]}},
    {"Protocol": "DATASET"},
    {"DataSet": {"Heading": ["SS_JOBGUID"], "Data": []}},
]


@pytest.mark.parametrize("body", ZERO)
def test_no_rows_where_none_are_known_is_fine(
    workstudio: WorkStudio, sync: Sync, body: dict[str, Any]
) -> None:
    workstudio.answer(body)
    run = sync()
    assert (run.sync_status, run.counts) == (SyncStatus.COMPLETED, Counts())


@pytest.mark.parametrize("body", ZERO)
def test_no_rows_where_circuits_are_known_is_a_warning(
    workstudio: WorkStudio, sync: Sync, body: dict[str, Any]
) -> None:
    workstudio.hold(circuit_row("a"), circuit_row("b"))
    sync()
    workstudio.answer(body)
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.WARNING, "unusual_zero")
    assert "no ACTIV circuits, but the last syncs found some (2)" in run.error_message
    assert Circuit.objects.present().count() == 2


def test_a_status_whose_circuits_all_moved_on_is_no_warning(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.hold(circuit_row("a", WSREQ_STATUS="QC"))
    sync("QC")
    workstudio.hold(circuit_row("a", WSREQ_STATUS="CLOSE"))
    assert sync("QC", "CLOSE").sync_status == SyncStatus.COMPLETED
