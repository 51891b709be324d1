"""manage.py integrations and check_integration_updates, as cron and operators see them."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations.models import Event, Integration
from synclogs.models import Alert, CommandExecution, Job, JobStatus
from tests.diary.sandbox import DiarySandbox, entry
from tests.factories import AccountFactory, JobFactory

pytestmark = pytest.mark.django_db


def command(*args: str, name: str = "integrations") -> tuple[int, str]:
    """The exit code and what was printed."""
    out = io.StringIO()
    try:
        call_command(name, *args, stdout=out, stderr=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def as_json(*args: str, name: str = "integrations") -> dict[str, Any]:
    """The one object."""
    document: dict[str, Any] = json.loads(command(*args, "--json", name=name)[1])
    return document


def test_a_check_by_hand_starts_what_is_due(diary: Integration) -> None:
    assert as_json("--dry-run", name="check_integration_updates")["counters"]["due"] == 1
    assert not Job.objects.exists()
    code, text = command(name="check_integration_updates")
    assert (code, text) == (0, "1 polls were started; 0 connections skipped, 0 failed.\n")
    code, text = command(name="check_integration_updates")
    assert "0 polls were started; 1 connections skipped" in text
    assert "skipped: 1 processing" in text


def test_a_check_while_another_goes_on_exits_with_75(diary: Integration) -> None:
    JobFactory(
        name="platform.check_integration_updates",
        status=JobStatus.RUNNING,
        unique_key=f"platform_check_integration_updates_-_{_no_args()}",
    )
    assert command(name="check_integration_updates")[0] == 75


def _no_args() -> str:
    from integrations.jobs.dispatch import args_digest

    return args_digest({})


def test_fetching_here_ends_with_rows(diary: Integration, vendor: DiarySandbox) -> None:
    vendor.seed(entries=3)
    assert command("fetch", "--dry-run")[1].endswith("would be polled\n")
    code, _ = command("fetch", "--service", "diary", "--sync")
    assert (code, Event.objects.count()) == (0, 3)
    code, text = command("fetch")
    assert code == 0
    assert "skipped, not_due" in text
    vendor.hold(entry(4, mood="unreadable"))
    code, text = command("fetch", "--force", "--sync", "--integration", str(diary.pk))
    assert code == 1
    assert "not done" in text


def test_fetching_what_does_not_exist_fails(diary: Integration) -> None:
    assert command("fetch", "--service", "nobody")[0] == 1
    assert command("fetch", "--account", str(AccountFactory().pk))[0] == 1
    assert command("fetch", "--instance-type", "dreams")[0] == 1


@pytest.mark.parametrize(
    "args",
    [
        ("init",),
        ("check", "5"),
        ("health", "--since", "2026-01-01"),
        ("fetch", "--account", "many"),
        ("fetch", "--sync", "--dry-run"),
        ("monitor", "--alert-threshold", "-1"),
    ],
)
def test_what_makes_no_sense_exits_with_2(diary: Integration, args: tuple[str, ...]) -> None:
    assert command(*args)[0] == 2


def test_a_time_that_is_none_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="2026-03-01"):
        call_command("integrations", "fetch", "--since", "yesterday")


def test_stuck_and_failing_connections_are_listed(diary: Integration) -> None:
    assert command("check") == (0, "All connections are as they should be.\n")
    now = timezone.now()
    Integration.objects.update(processing_started_at=now - timedelta(minutes=31))
    assert command("check", "--errors")[0] == 0
    code, text = command("check", "--stuck")
    assert code == 1
    assert f"{diary.pk}  Diary (diary entries): stuck" in text
    Integration.objects.update(
        processing_started_at=None, error_count=2, last_error_at=now, last_error_code="timeout",
        last_error_message="no reply",
    )  # fmt: skip
    code, text = command("check")
    assert code == 1
    assert "failed 2 times" in text
    assert "timeout: no reply" in text
    Integration.objects.update(last_error_at=now - timedelta(minutes=61))
    assert command("check")[0] == 0


def test_health_gives_the_numbers_and_fails_when_it_is_critical(diary: Integration) -> None:
    document = as_json("health")
    assert document["health"]["by_service"] == {"diary": 1}
    assert document["connections"][0]["status"] == "never_synced"
    assert document["alerts"] == []
    JobFactory.create_batch(11, status=JobStatus.FAILED, finished_at=timezone.now())
    code, text = command("health")
    assert code == 1
    assert "critical: 11 jobs have failed" in text
    assert "connections  1 in all" in text
    assert "connections" not in command("health", "--alerts-only")[1].splitlines()[0]


def test_health_of_an_account_counts_no_other(diary: Integration) -> None:
    JobFactory.create_batch(11, status=JobStatus.FAILED, finished_at=timezone.now())
    assert command("health", "--account", str(diary.account_id))[0] == 0


def test_monitoring_finds_and_tells_once(diary: Integration) -> None:
    assert command("monitor") == (0, "Nothing is wrong.\n")
    Integration.objects.update(processing_started_at=timezone.now() - timedelta(minutes=31))
    assert command("monitor")[0] == 1
    assert not Alert.objects.exists()
    for _ in range(2):
        assert command("monitor", "--notify")[0] == 1
    alert = Alert.objects.get()
    assert (alert.error_code, alert.count, alert.severity) == ("stuck", 2, "critical")
    Integration.objects.update(processing_started_at=None)
    assert command("monitor", "--notify")[0] == 0
    alert.refresh_from_db()
    assert alert.state == "recovered"


def test_monitoring_has_thresholds(diary: Integration) -> None:
    old = timezone.now() - timedelta(seconds=100)
    JobFactory.create_batch(3, status=JobStatus.QUEUED, run_at=old)
    assert command("monitor")[0] == 0
    code, text = command("monitor", "--alert-threshold", "2", "--stale-threshold", "99")
    assert code == 1
    assert "3 jobs are due (limit 2)" in text
    assert "(limit 99 s)" in text


def test_what_only_reads_leaves_no_row(diary: Integration) -> None:
    for action in ("check", "health", "monitor"):
        command(action)
    command("fetch", "--dry-run")
    assert not CommandExecution.objects.exists()


def test_a_history_is_read_by_hand(diary: Integration, vendor: DiarySandbox) -> None:
    assert command("init", str(diary.pk))[0] == 1
    vendor.history = {number: entry(number) for number in range(1, 4)}
    Integration.objects.update(instance_type="pages")
    assert "would be queued" in command("init", str(diary.pk), "--dry-run")[1]
    assert command("init", str(diary.pk), "--sync")[0] == 0
    assert Event.objects.count() == 3
    code, text = command("init", str(diary.pk))
    assert code == 1
    assert "--force does it again" in text
    assert command("init", str(diary.pk), "--force", "--sync")[0] == 0
    assert command("init", "999999")[0] == 1
