"""The engine itself opens and recovers alerts: no callback is called by hand here."""

from __future__ import annotations

import pytest

from accounts.models import Account
from circuits import services
from circuits.statuses import ApiStatus
from integrations.alerts.notify import NotifyAlert
from integrations.jobs.base import BaseJob
from integrations.jobs.foreground import run_in_foreground
from integrations.jobs.outcomes import JobFailed
from integrations.jobs.registry import register_job
from synclogs import metrics
from synclogs.models import Alert, AlertState, Job, LiveEvent
from synclogs.progress import SilentReporter
from tests.circuits.conftest import *  # noqa: F403
from tests.circuits.conftest import WorkStudio
from tests.integrations.alerts.conftest import Receiver

pytestmark = pytest.mark.django_db(transaction=True)


@register_job
class FailingJob(BaseJob):
    """Fails for good at its first try."""

    name = "tests.failing"

    def handle(self) -> str | None:
        raise JobFailed("nothing works", code="error", actionable_message="Mend it.")


def test_a_job_that_fails_opens_an_alert_with_its_notices(
    ways: Receiver, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_backends", {})
    settings.STATSD_BACKEND = "memory"  # type: ignore[attr-defined]
    account = Account.objects.platform()
    job, _ = run_in_foreground(
        FailingJob, account=account, integration=None, args={}, reporter=SilentReporter()
    )
    alert = Alert.objects.get()
    assert (alert.job, alert.message, alert.actionable_message) == (job, "nothing works", "Mend it.")
    assert Job.objects.filter(name=NotifyAlert.name).count() == 2
    lines = metrics.backend().lines  # type: ignore[attr-defined]
    tags = f"#command:tests.failing,account:{account.pk}"
    assert f"queue.job.started:1|c|@1|{tags}" in lines
    assert f"queue.job.failed:1|c|@1|{tags}" in lines
    assert "worker.error:1|c|@1|#worker:failing_job,error_type:JobFailed" in lines


def test_a_sync_that_is_refused_alerts_and_the_next_good_one_recovers(workstudio: WorkStudio) -> None:
    workstudio.seed(3)
    workstudio.fault("status", status=401, body={"error": "no"}, match={}, times=20)
    job, decision = services.sync_circuits_now([ApiStatus.ACTIV], SilentReporter())
    assert decision.code == "unauthorized"
    alert = Alert.objects.get()
    assert (alert.rule, alert.source, alert.job) == ("credential_refused", job.name, job)
    assert alert.run is not None
    assert LiveEvent.objects.filter(channel="sync-status", kind="sync.failed").count() == 1
    workstudio.clear_faults()
    services.sync_circuits_now([ApiStatus.ACTIV], SilentReporter())
    assert Alert.objects.get().state == AlertState.RECOVERED
