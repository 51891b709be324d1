"""A command that is killed: the next one goes on after the last page that was stored."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from integrations.providers.servicetitan.models import ServiceTitanCustomer, ServiceTitanInvoice
from synclogs.models import Job, JobStatus, SyncLog
from tests.faults.installation import database_url
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan

ROOT = Path(__file__).resolve().parents[4]
LEASE_SECONDS = 1.5
PAGES = 20

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]


def start(titan: Titan, settings: Settings) -> subprocess.Popen[str]:
    """The command as a process of its own on the test's database, deaf to no signal.

    What a shell starts in the background ignores Ctrl-C, and so would what that starts.
    """
    environ = {
        **os.environ,
        **titan.sandbox.environment(titan.url),
        "SYNCPLATFORM_ENV_FILE": "none",
        "DATABASE_URL": database_url(),
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "SECRET_KEY": settings.SECRET_KEY,
        "HTTP_ALLOW_LOOPBACK": "true",
        "JOB_LEASE_SECONDS": str(LEASE_SECONDS),
    }
    command = [sys.executable, "manage.py", "servicetitan_process_scheduled_syncs", "--json-output"]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_after_kill_9_at_60_percent_no_more_than_one_page_a_stream_is_fetched_twice(
    titan: Titan, make_credential: MakeCredential, settings: Settings
) -> None:
    make_credential()
    titan.seed(customers=500, invoices=500)
    titan.sim("switches", feed_page_size=50)
    titan.fault("latency", "export/", seconds=0.05, times="forever")
    process = start(titan, settings)
    deadline = time.monotonic() + 30
    while len(titan.calls("export/")) < PAGES * 0.6 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    stored = SyncLog.objects.get().counts.created
    assert 0 < stored < 1000
    assert Job.objects.get().status == JobStatus.RUNNING
    time.sleep(LEASE_SECONDS + 0.5)
    said, complaints = start(titan, settings).communicate(timeout=60)
    assert json.loads(said)["successful_syncs"] == 1, complaints
    assert json.loads(said)["total_records_processed"] == 1000
    run = SyncLog.objects.get()
    assert (run.counts.created, run.sync_status) == (1000, "completed")
    assert (ServiceTitanCustomer.objects.count(), ServiceTitanInvoice.objects.count()) == (500, 500)
    for stream in ("customers", "invoices"):
        asked = [query.get("from", "") for query in titan.queries(f"export/{stream}")]
        assert len(asked) - len(set(asked)) <= 1


def test_ctrl_c_stops_after_the_current_page_and_keeps_what_was_stored(
    titan: Titan, make_credential: MakeCredential, settings: Settings
) -> None:
    make_credential()
    titan.seed(customers=500, invoices=500)
    titan.sim("switches", feed_page_size=50)
    titan.fault("latency", "export/", seconds=0.1, times="forever")
    process = start(titan, settings)
    deadline = time.monotonic() + 30
    while len(titan.calls("export/")) < PAGES / 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
    assert process.returncode == 130
    run = SyncLog.objects.get()
    assert run.sync_status == "cancelled"
    assert 0 < run.counts.created < 1000
    assert ServiceTitanCustomer.objects.count() == min(500, run.counts.created)
