"""A circuit sync from a slow vendor, killed in the middle: every circuit once, counts exact, no lock left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from circuits import services
from circuits.models import Circuit
from circuits.statuses import ApiStatus
from circuits.sync.job import SyncCircuitsJob
from integrations.jobs.dispatch import build_job
from synclogs.models import Job, JobStatus, SyncLog, SyncStatus
from tests.faults.installation import Installation, wait_for
from tests.faults.strikes import Strike, broker_wiped, busy_worker, stopped_worker, whole_group
from tests.faults.vendor import Vendor

pytestmark = [pytest.mark.kill, pytest.mark.timeout(150)]

CIRCUITS = 2600
SLOW_VENDORS = {
    "latency": {"kind": "latency", "seconds": 0.8, "times": "forever"},
    "slow drip": {"kind": "slow_drip", "chunk": 65536, "interval": 0.05, "times": "forever"},
}


@pytest.fixture
def vendor(ours: Installation) -> Iterator[Vendor]:
    """A vendor with circuits, none of them broken."""
    running = Vendor(ours.popen("sandbox", "--port", "0", "--no-seed", "--json"))
    running.ask("seed", {"circuits": CIRCUITS, "polygon_points": 4, "hostile": False, "units": False})
    yield running
    running.stop()
    Circuit._base_manager.all().delete()


@pytest.mark.parametrize(
    ("strike", "slow"),
    [
        (busy_worker, "latency"),
        (whole_group, "slow drip"),
        (stopped_worker, "slow drip"),
        (broker_wiped, "latency"),
    ],
)
def test_a_sync_killed_in_the_middle_is_exact(
    ours: Installation, vendor: Vendor, strike: Strike, slow: str
) -> None:
    vendor.ask("faults", [SLOW_VENDORS[slow]])
    ours.environ.update(vendor.environ)
    connection = services.workstudio_connection()
    args = {"statuses": list(ApiStatus.values)}
    job = build_job(SyncCircuitsJob, connection.account, connection, args)
    job.save(force_insert=True)
    workers = ours.start_workers()
    started = SyncLog.objects.filter(sync_status=SyncStatus.STARTED, records_processed__gt=0)
    wait_for(started.exists, 60)
    alive = strike(ours, workers)
    wait_for(Job.objects.filter(pk=job.pk, finished_at__isnull=False).exists, 60)

    job.refresh_from_db()
    assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, 0), job.error_message
    run = SyncLog.objects.get()
    found = vendor.ask("state")
    assert (run.sync_status, run.lock_key) == (SyncStatus.COMPLETED, None), run.error_message
    assert run.records_processed == run.records_created == found["circuits"] == CIRCUITS
    assert Circuit.objects.count() == CIRCUITS
    for each in {workers, *alive}:
        if each.process.poll() is None:
            each.stop()
        assert each.left_behind() == []
