"""What is left behind: runs that nobody ends, old payloads, alerts of chunks; and what providers declare."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import registry
from integrations.alerts.service import recover_by_later_success
from integrations.jobs.leases import sweep_abandoned_runs
from integrations.jobs.registry import job_class, job_class_of
from integrations.jobs.staged.processing import BaseProcessingJob
from integrations.models import Integration, RawPayload
from integrations.polling.routing import routed_classes
from integrations.retention.prune import prune
from synclogs.models import Alert, AlertState, Job, JobStatus, SyncLog, SyncStatus
from tests.diary.jobs import DiaryEntryPull, during
from tests.diary.sandbox import DiarySandbox
from tests.integrations.jobs.staged.conftest import fetched, run, run_waiting

pytestmark = pytest.mark.django_db


def test_a_staged_run_without_open_jobs_is_ended_after_an_hour(
    diary: Integration, vendor: DiarySandbox
) -> None:
    vendor.seed(entries=3)
    run(DiaryEntryPull.dispatch(diary))
    SyncLog.objects.update(started_at=timezone.now() - timedelta(minutes=61))
    assert sweep_abandoned_runs() == 0, "a chunk waits"
    Job.objects.filter(status=JobStatus.QUEUED).delete()
    SyncLog.objects.update(started_at=timezone.now() - timedelta(minutes=59))
    assert sweep_abandoned_runs() == 0
    SyncLog.objects.update(started_at=timezone.now() - timedelta(minutes=61))
    assert sweep_abandoned_runs() == 1
    log = SyncLog.objects.get()
    assert (log.sync_status, log.error_code) == (SyncStatus.FAILED, "abandoned")


def test_processed_payloads_go_when_their_time_is_over_and_others_never(
    diary: Integration, vendor: DiarySandbox
) -> None:
    vendor.seed(entries=3)
    fetched(diary)
    long_ago = timezone.now() - timedelta(days=31)
    waiting = RawPayload.objects.get()
    RawPayload.objects.update(processed_at=long_ago, expires_at=long_ago + timedelta(days=30))
    waiting.pk, waiting.processed_at, waiting.expires_at = None, None, None
    waiting.received_at = long_ago
    waiting.save(force_insert=True)
    assert prune().rows["raw_payloads"] == 1
    assert RawPayload.objects.get() == waiting


def test_a_failed_chunk_alerts_and_a_later_good_one_recovers(
    diary: Integration, vendor: DiarySandbox
) -> None:
    def break_down(work: object) -> None:
        raise KeyError("a defect")

    during["process"] = break_down
    vendor.seed(entries=3)
    fetched(diary)
    alert = Alert.objects.get(source="diary.entry_data")
    assert (alert.state, alert.severity) == (AlertState.OPEN, "critical")
    diary.refresh_from_db()
    assert diary.error_count == 0
    during.clear()
    vendor.seed(entries=5)
    fetched(diary)
    assert recover_by_later_success() == 1
    alert.refresh_from_db()
    assert alert.state == AlertState.RECOVERED


def test_every_declared_instance_type_is_served_by_classes_that_exist() -> None:
    declared = [provider for provider in registry.all_providers() if provider.instance_types]
    assert {"diary", "monzo", "apple_health", "hevy"} <= {provider.slug for provider in declared}
    for provider in declared:
        assert provider.default_instance_type in provider.instance_types, provider.slug
        for name, kind in provider.instance_types.items():
            assert kind.fetch is not None or kind.hook is not None, f"{provider.slug} {name}"
            assert kind.fetch is None or provider.polled, f"{provider.slug} is not polled"
        for cls in routed_classes(provider):
            assert job_class(cls.name) is cls
            assert cls.provider == provider.slug
        for cls in provider.jobs:
            if issubclass(cls, BaseProcessingJob):
                assert job_class_of(provider.slug, cls.job_type) is cls


@pytest.mark.parametrize(
    ("provider", "names"),
    [
        (
            "monzo",
            "MonzoAccountPull MonzoTransactionPull MonzoPotPull MonzoBalancePull MonzoAccountData "
            "MonzoTransactionData MonzoPotData MonzoBalanceData MonzoHistoricalData",
        ),
        ("apple_health", "AppleHealthWebhookHook AppleHealthWorkoutData AppleHealthMetricData"),
    ],
)
def test_the_classes_have_the_names_by_which_they_are_known(provider: str, names: str) -> None:
    known = {cls.__name__ for cls in registry.get_provider(provider).jobs}
    assert set(names.split()) <= known


def test_what_waits_is_processed_although_its_connection_is_paused(
    diary: Integration, vendor: DiarySandbox
) -> None:
    vendor.seed(entries=3)
    run(DiaryEntryPull.dispatch(diary))
    Integration.objects.update(paused=True)
    assert run_waiting() == ["succeed"]
