"""Several syncs at a time: real threads, seen at the simulator."""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from synclogs.models import SyncLog
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan
from tests.integrations.providers.servicetitan.syncing import (
    run,
)

pytestmark = pytest.mark.django_db(transaction=True)


class TestConcurrency:
    """Real threads, seen at the simulator."""

    def test_three_are_in_flight_and_five_take_two_waves(
        self, titan: Titan, make_credential: MakeCredential
    ) -> None:
        titan.seed(customers=3, invoices=0, tenants=5)
        for number in range(1, 6):
            make_credential(number)
        run("--data-type=customers")
        titan.mount.journal.clear()
        titan.fault("latency", "export/customers", seconds=0.4, times="forever")
        began = time.monotonic()
        said = run("--data-type=customers", "--max-concurrent=3")
        took = time.monotonic() - began
        assert "Successful: 5" in said.lines
        assert titan.mount.journal.counts()["max_in_flight"] == 3
        assert 0.8 <= took < 1.6

    def test_a_slot_is_filled_as_soon_as_it_is_free(
        self, titan: Titan, make_credential: MakeCredential
    ) -> None:
        titan.seed(customers=3, invoices=0, tenants=4)
        for number in range(1, 5):
            make_credential(number, last_successful_sync_at=timezone.now() + timedelta(seconds=number))
        run("--data-type=customers")
        titan.fault("latency", "900001/export", seconds=0.9)
        titan.fault("latency", "export/customers", seconds=0.3, times="forever")
        began = time.monotonic()
        run("--data-type=customers", "--max-concurrent=2")
        assert time.monotonic() - began < 1.5

    def test_each_sync_has_a_deadline_of_its_own(self, titan: Titan, make_credential: MakeCredential) -> None:
        titan.seed(customers=300, invoices=0, tenants=2)
        make_credential(1), make_credential(2)
        titan.fault("slow_drip", "900001/export/customers", bytes_per_second=3000)
        began = time.monotonic()
        said = run("--timeout=1", "--data-type=customers", "--max-concurrent=2")
        assert time.monotonic() - began < 3
        assert "Completed sync for Company 2: 300 records processed" in said.lines
        assert "Sync failed for Company 1: the time for this sync is used up" in said.err
        assert SyncLog.objects.get(error_code="timeout").sync_status == "failed"

    def test_an_unexpected_error_lets_running_syncs_end_and_is_raised(
        self,
        titan: Titan,
        make_credential: MakeCredential,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        titan.seed(customers=3, invoices=0, tenants=4)
        for number in range(1, 5):
            make_credential(number, last_successful_sync_at=timezone.now() + timedelta(seconds=number))
        titan.fault("latency", "900002/export", seconds=0.3)
        from integrations.providers.servicetitan.client import ServiceTitanClient

        real = ServiceTitanClient.log_in

        def log_in(self: ServiceTitanClient) -> None:
            if self._tenant == 900_001:
                raise ZeroDivisionError("a defect")
            real(self)

        monkeypatch.setattr(ServiceTitanClient, "log_in", log_in)
        said = run("--max-concurrent=2", "--json-output")
        assert said.code == 1
        numbers = json.loads(said.out)
        assert (numbers["total_credentials"], numbers["successful_syncs"], numbers["failed_syncs"]) == (
            4,
            1,
            1,
        )
        assert "Command failed: a defect" in said.err
        assert "Starting sync for Company 3" not in said.err
        by_message = {record.message: record for record in caplog.records}
        critical = by_message["Unexpected error during scheduled sync"]
        assert critical.levelno == logging.CRITICAL
        assert "ZeroDivisionError" in vars(critical)["trace"]
        assert by_message["Scheduled sync command failed"].levelno == logging.ERROR

    def test_a_run_that_began_meanwhile_is_left_alone(
        self, titan: Titan, make_credential: MakeCredential, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        credential = make_credential()
        SyncLog.objects.start(
            "both",
            account=credential.account,
            integration=credential.integration,
            lock_key=credential.lock_key,
        )
        module = (
            "integrations.providers.servicetitan.management.commands.servicetitan_process_scheduled_syncs"
        )
        monkeypatch.setattr(f"{module}.scheduled_credentials", lambda filters: [credential])
        said = run()
        assert (said.err, said.code) == ("", 0)
        assert {"Successful: 0", "Failed: 0"} <= set(said.lines)
        assert SyncLog.objects.count() == 1
