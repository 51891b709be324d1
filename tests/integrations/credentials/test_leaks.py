"""Secrets planted wherever they can be, and looked for wherever they must not be."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from pytest_django import Settings

from accounts.models import Account
from circuits import services
from circuits.statuses import ApiStatus
from circuits.workstudio.sandbox import WorkStudioSandbox
from integrations.alerts import wiring
from integrations.jobs import hooks
from integrations.jobs.base import BaseJob
from integrations.jobs.foreground import run_in_foreground
from integrations.jobs.registry import register_job
from integrations.models import Credential
from integrations.sandbox import SandboxServer
from synclogs.models import Alert, Job, JobAttempt, LiveEvent, SyncLog
from synclogs.progress import SilentReporter
from tests.circuits.conftest import WorkStudio
from tests.factories import UserFactory
from tests.operations.served import database_url

pytestmark = pytest.mark.django_db(transaction=True)

USERNAME = "TREECO\\service"
PASSWORD = "planted-vendor-password-81"
STORED = "planted-stored-password-82"
HOOK_PATH = "planted-hook-path-83"
HOOK_SECRET = "planted-hook-secret-84"
KEY = Fernet.generate_key().decode()
BASIC = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()

ECHO = {
    "error": f"login {USERNAME}/{PASSWORD} was refused",
    "access_token": "planted-token-85",
    "nested": {"client_secret": "planted-client-86", "detail": f"sent Authorization: Basic {BASIC}"},
}
FORBIDDEN = ("planted", BASIC, KEY)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer([WorkStudioSandbox()]) as server:
        yield server


@pytest.fixture
def studio(sandbox: SandboxServer) -> WorkStudio:
    found = WorkStudio(sandbox)
    found.reset()
    found.seed(5)
    return found


@pytest.fixture(autouse=True)
def _configured(studio: WorkStudio, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WORKSTUDIO_API_URL = f"{studio.url}/DDOProtocol/"
    settings.WORKSTUDIO_USERNAME, settings.WORKSTUDIO_PASSWORD = USERNAME, PASSWORD
    settings.FIELD_ENCRYPTION_KEYS = [KEY]
    settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:9/{HOOK_PATH}"
    settings.ALERT_WEBHOOK_SECRET = HOOK_SECRET
    settings.JOB_LEASE_SECONDS = 60.0
    monkeypatch.setattr("circuits.workstudio.client.sleep", lambda seconds: None)
    wiring.connect()
    Credential.objects.create(
        account=Account.objects.platform(),
        user=UserFactory.create(),
        provider="workstudio",
        secrets={"username": USERNAME, "password": STORED},
    )


def everything_stored() -> str:
    """Every value of every table, messages to the workers unpacked."""
    values = [str(row) for model in apps.get_models() for row in model._base_manager.values_list()]
    messages = [str(SignedPackage.loads(row.payload)) for row in OrmQ.objects.all()]
    return "\n".join(values + messages)


def leaks(text: str) -> list[str]:
    """The lines that hold what nobody may see."""
    return [line[:300] for line in text.splitlines() if any(secret in line for secret in FORBIDDEN)]


def refuse(studio: WorkStudio, kind: str) -> None:
    """Make WorkStudio fail in one way, with our secrets in its words."""
    if kind == "refused":
        studio.fault("status", status=401, body=ECHO, match={}, times=20)
    elif kind == "broken":
        studio.fault("status", status=500, body=json.dumps(ECHO), times=20)
    elif kind == "says_no":
        studio.answer({"protocol": "ERROR", "errorMessage": ECHO["error"], **ECHO}, times=20)
    else:
        studio.answer(f"<html>password={PASSWORD} token=planted-html-87</html>", times=20)


KINDS = ("refused", "broken", "says_no", "no_json")


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_sync_in_this_process_leaks_nothing(
    studio: WorkStudio, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refuse(studio, kind)
    job, decision = services.sync_circuits_now([ApiStatus.ACTIV], SilentReporter())
    assert decision.error is not None
    hooks.job_failed(job, SyncLog.objects.get(job=job), decision)
    assert Alert.objects.exists()
    assert JobAttempt.objects.get(job=job).error_message
    assert LiveEvent.objects.filter(kind="sync.failed").exists() or job.is_open
    assert leaks(everything_stored()) == []
    assert leaks("\n".join(shown(caplog))) == []


def shown(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The records as the product's own handler prints them."""
    handler = next(found for found in logging.getLogger().handlers if type(found) is logging.StreamHandler)
    lines = []
    for record in caplog.records:
        copy = logging.makeLogRecord(vars(record))
        if handler.filter(copy):
            lines.append(handler.format(copy))
    return lines


@pytest.mark.parametrize(("kind", "form"), [("refused", "text"), ("broken", "json"), ("says_no", "text")])
def test_a_failing_command_leaks_nothing_to_its_streams(studio: WorkStudio, kind: str, form: str) -> None:
    refuse(studio, kind)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("WORKSTUDIO_")
    } | {
        "DATABASE_URL": database_url(),
        "SYNCPLATFORM_ENV_FILE": "none",
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": KEY,
        "WORKSTUDIO_API_URL": settings.WORKSTUDIO_API_URL,
        "WORKSTUDIO_USERNAME": USERNAME,
        "WORKSTUDIO_PASSWORD": PASSWORD,
        "WORKSTUDIO_MAX_RETRIES": "1",
        "ALERT_WEBHOOK_URL": settings.ALERT_WEBHOOK_URL,
        "ALERT_WEBHOOK_SECRET": HOOK_SECRET,
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": form,
    }
    command = [sys.executable, "manage.py", "sync_circuits", "--json", "--traceback"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    answer = json.loads(done.stdout)
    assert answer["status"] == "failed", done.stderr
    assert "syncplatform" in done.stderr
    assert leaks(done.stdout) == []
    assert leaks(done.stderr) == []
    assert leaks(everything_stored()) == []


@register_job
class CarelessJob(BaseJob):
    """Fails with secrets in its words, its causes and its locals."""

    name = "tests.careless"

    def handle(self) -> str | None:
        secrets = dict(Credential.objects.get().secrets)
        try:
            raise ValueError(f"cannot log in with {secrets}")
        except ValueError as error:
            raise RuntimeError(f"password={secrets['password']} at https://u:{PASSWORD}@host/") from error


def test_a_careless_exception_leaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    account = Account.objects.platform()
    job, decision = run_in_foreground(
        CarelessJob, account=account, integration=None, args={}, reporter=SilentReporter()
    )
    hooks.job_failed(job, None, decision)
    attempt = job.tries.get()
    assert "RuntimeError" in attempt.traceback
    assert "ValueError" in attempt.traceback
    assert Alert.objects.get().source == "tests.careless"
    assert leaks(everything_stored()) == []
    assert leaks("\n".join(shown(caplog))) == []


def test_notices_are_queued_without_what_they_are_sent_with(studio: WorkStudio) -> None:
    refuse(studio, "refused")
    job, decision = services.sync_circuits_now([ApiStatus.ACTIV], SilentReporter())
    hooks.job_failed(job, None, decision)
    assert Job.objects.filter(name="platform.notify_alert").exists()
    assert leaks(everything_stored()) == []


def test_commands_over_credentials_print_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("rotate_secrets", "--json")
    call_command("dumpdata", "integrations", "synclogs", "accounts")
    captured = capsys.readouterr()
    assert leaks(captured.out + captured.err) == []


def test_the_search_finds_what_is_planted() -> None:
    SyncLog.start("x", account=Account.objects.platform(), context={"note": "planted here"})
    assert leaks(everything_stored()) != []
