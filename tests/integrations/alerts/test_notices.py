"""Notices leave as jobs, by mail and webhook, signed and without secrets; `alerts test` tries the ways."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from accounts.models import Account
from integrations.alerts.notify import NotifyAlert, signature
from integrations.jobs.foreground import run_in_foreground
from integrations.jobs.outcomes import Decision, Next
from integrations.jobs.runner import run_job
from synclogs.alerts import Problem, report_problem, report_recovery
from synclogs.models import Alert, AlertSeverity, CommandExecution, Job, JobStatus
from synclogs.progress import SilentReporter
from tests.factories import AccountFactory, JobFactory, SyncLogFactory
from tests.integrations.alerts.conftest import Receiver

pytestmark = pytest.mark.django_db


def report(**options: Any) -> Alert:
    problem = Problem(
        rule="dead_letter",
        severity=AlertSeverity.CRITICAL,
        source="circuits.sync_circuits",
        message="WorkStudio refused: password=planted-in-alert",
        error_code="unauthorized",
        actionable_message="Enter a valid login.",
        account_id=Account.objects.platform().pk,
    )
    run, job = SyncLogFactory.create(failed=True), JobFactory.create(failed=True)
    return report_problem(problem, run=run, job=job)


def deliver() -> list[Decision | str]:
    """Run the queued notices as a worker does."""
    queued = Job.objects.filter(name=NotifyAlert.name, status=JobStatus.QUEUED)
    return [run_job(str(job.pk)) for job in queued.order_by("created_at")]


def test_nothing_is_queued_where_nothing_is_configured() -> None:
    report()
    assert not Job.objects.filter(name=NotifyAlert.name).exists()


def test_each_way_is_a_job_of_its_own(ways: Receiver) -> None:
    alert = report()
    jobs = Job.objects.filter(name=NotifyAlert.name).order_by("created_at")
    assert [job.args for job in jobs] == [
        {"alert": alert.pk, "notice": "opened", "way": way, "count": 1} for way in ("mail", "webhook")
    ]
    assert {job.account for job in jobs} == {Account.objects.platform()}


@pytest.mark.django_db(transaction=True)
def test_mails_say_what_happened_and_what_to_do(ways: Receiver) -> None:
    alert = report()
    deliver()
    (message,) = mail.outbox
    assert message.to == ["ops@example.com", "boss@example.com"]
    assert message.subject == (
        "[development] critical: circuits.sync_circuits: WorkStudio refused: password=[redacted]"
    )
    assert str(message.body).splitlines() == [
        "WorkStudio refused: password=[redacted]",
        "",
        "What to do: Enter a valid login.",
        f"Rule dead_letter, seen 1 times since {alert.first_seen:%Y-%m-%d %H:%M} UTC.",
        f"Run {alert.run_id}",
        f"Job {alert.job_id}",
    ]


@pytest.mark.django_db(transaction=True)
def test_the_webhook_is_slack_compatible_and_signed(ways: Receiver) -> None:
    alert = report()
    assert deliver() == ["succeed", "succeed"]
    ((path, headers, body),) = ways.requests
    assert path == "/services/T000/B000/planted-path-secret"
    said = json.loads(body)
    assert said.pop("text").startswith("[development] critical: circuits.sync_circuits: WorkStudio refused")
    assert said == {
        "notice": "opened",
        "severity": "critical",
        "rule": "dead_letter",
        "source": "circuits.sync_circuits",
        "error_code": "unauthorized",
        "count": 1,
        "fingerprint": alert.fingerprint,
        "run_id": str(alert.run_id),
        "job_id": str(alert.job_id),
    }
    stamp, _, given = headers["X-Syncplatform-Signature"].partition(",v1=")
    seconds = stamp.removeprefix("t=")
    expected = hmac.new(b"planted-signing-secret", f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(given, expected)
    assert b"planted" not in body


@pytest.mark.django_db(transaction=True)
def test_without_a_secret_nothing_claims_to_be_signed(ways: Receiver, settings: Settings) -> None:
    settings.ALERT_WEBHOOK_SECRET = ""
    report()
    deliver()
    assert "X-Syncplatform-Signature" not in ways.requests[0][1]


@pytest.mark.django_db(transaction=True)
def test_a_recovery_is_said_by_the_same_ways(ways: Receiver) -> None:
    report()
    deliver()
    report_recovery(Alert.objects.all())
    deliver()
    assert [json.loads(body)["notice"] for _, _, body in ways.requests] == ["opened", "recovered"]
    assert mail.outbox[1].subject.startswith("[development] recovered: ")
    assert "Recovered. It had happened 1 times since" in str(mail.outbox[1].body)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [500, 404, 429])
def test_a_way_that_fails_is_tried_again_alone_and_leaks_nothing(
    ways: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ways.status = status
    report()
    results = deliver()
    assert results[0] == "succeed"
    assert results[1] in ("retry", "fail", "postpone")
    assert len(mail.outbox) == 1
    assert Alert.objects.count() == 1
    job = Job.objects.get(args__way="webhook")
    attempt = job.tries.get()
    kept = f"{job.error_message} {attempt.error_message} {attempt.traceback} {job.wait_reason} {job.args}"
    assert "planted" not in kept
    said = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("syncplatform", "urllib3"))
    ]
    assert "planted" not in "\n".join(said)


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_down_is_tried_again(ways: Receiver, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    report()
    assert deliver() == ["retry", "succeed"]
    assert Job.objects.get(args__way="mail").error_code == "mail"


@pytest.mark.django_db(transaction=True)
def test_an_alert_that_is_gone_needs_no_notice(ways: Receiver) -> None:
    report()
    Alert.objects.all().delete()
    deliver()
    assert mail.outbox == []
    assert set(Job.objects.filter(name=NotifyAlert.name).values_list("result", flat=True)) == {"skipped"}


@pytest.mark.django_db(transaction=True)
def test_notices_run_in_the_foreground_too(ways: Receiver) -> None:
    alert = report()
    args = {"alert": alert.pk, "notice": "opened", "way": "mail", "count": 2}
    account = AccountFactory.create()
    _, decision = run_in_foreground(
        NotifyAlert, account=account, integration=None, args=args, reporter=SilentReporter()
    )
    assert decision.next is Next.SUCCEED


def call(*args: str) -> tuple[int, dict[str, Any], str]:
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("alerts", "test", "--json", *args, stdout=out, stderr=err)
    except SystemExit as error:
        code = int(str(error.code))
    except CommandError as error:
        code = error.returncode
    return code, json.loads(out.getvalue()), err.getvalue()


def test_the_trial_goes_out_by_every_way(ways: Receiver) -> None:
    code, answer, _ = call()
    assert (code, answer["status"], answer["counters"]) == (0, "ok", {"sent": 2, "failed": 0})
    assert [way["way"] for way in answer["ways"]] == ["mail", "webhook"]
    assert len(mail.outbox) == len(ways.requests) == 1
    assert "planted" not in json.dumps(answer)
    assert not Alert.objects.exists()
    assert CommandExecution.objects.get().action == "test"


def test_a_dry_trial_sends_and_writes_nothing(ways: Receiver) -> None:
    code, answer, _ = call("--dry-run")
    assert (code, answer["counters"]) == (0, {"sent": 0, "failed": 0})
    assert (len(mail.outbox), len(ways.requests)) == (0, 0)
    assert not CommandExecution.objects.exists()


def test_one_way_that_fails_does_not_stop_the_other(ways: Receiver) -> None:
    ways.status = 500
    code, answer, err = call()
    assert (code, answer["status"], answer["counters"]) == (1, "partial", {"sent": 1, "failed": 1})
    assert answer["errors"][0]["code"] == "server_error"
    assert "webhook: " in err
    assert "planted" not in json.dumps(answer) + err


def test_no_way_is_a_wrong_use() -> None:
    code, answer, _ = call()
    assert (code, answer["errors"][0]["code"]) == (2, "no_alert_way")


def test_people_get_a_line_a_way(ways: Receiver) -> None:
    out = io.StringIO()
    call_command("alerts", "test", stdout=out)
    mails, webhook = out.getvalue().splitlines()
    assert mails.split() == ["mail", "sent", "ops@example.com,", "boss@example.com"]
    assert webhook.split() == ["webhook", "sent", "http://127.0.0.1"]


def test_signatures_are_stable(settings: Settings) -> None:
    settings.ALERT_WEBHOOK_SECRET = "key"
    assert signature(b"{}", 1).startswith("t=1,v1=")
    assert signature(b"{}", 1) != signature(b"{}", 2)
