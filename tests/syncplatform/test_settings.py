"""Settings as whole processes see them; each test starts one, so there are few."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command

from syncplatform.env import BASE_DIR
from tests.syncplatform.test_env_reader import PRODUCTION


def manage(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "SYNCPLATFORM_ENV_FILE": "none"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env={**base, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_production_passes_the_deployment_check_without_a_warning():
    done = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues (0 silenced)" in done.stdout


def test_a_bad_environment_ends_every_command_with_one_readable_message():
    done = manage("check", **{**PRODUCTION, "DEBUG": "1", "SECRET_KEY": "", "QUEUE_WORKER": "3"})

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "3 problems with the configuration (ENVIRONMENT is production):",
        "  - SECRET_KEY: not set, and required in production. Expected: text.",
        "  - QUEUE_WORKER: unknown variable in the environment. Did you mean QUEUE_WORKERS?",
        "  - DEBUG: is on. Expected: off in production.",
        "Every variable is described in .env.example.",
    ]


def test_workers_refuse_the_connection_pool():
    environ = {**PRODUCTION, "DATABASE_POOL": "on", "SYNCPLATFORM_PROCESS": "worker"}

    done = manage("check", **environ)

    assert done.returncode == 1
    assert "syncplatform.E001" in done.stderr


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
