"""Where a `dev` command works: its files, its ports, and the environment that its children get."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from integrations.registry import all_providers
from operations.dev.processes import Child, Children, manage
from synclogs.commands import UsageError

SANDBOX_PORT = 8801
WORKERS_STOP_SECONDS = 10
WORKERS_GRACE_SECONDS = 10.0


def data_directory() -> Path:
    """Where logs, lock and admin password are: beside a SQLite database, else in var/."""
    if connection.vendor == "sqlite":
        return Path(settings.DATABASES["default"]["NAME"]).parent
    return Path(settings.VAR_DIR)


def database_name() -> str:
    """The database in words, without its password."""
    config = connection.settings_dict
    if connection.vendor != "sqlite":
        return f"PostgreSQL {config['NAME']} at {config['HOST'] or 'localhost'}:{config['PORT'] or 5432}"
    path = Path(config["NAME"])
    inside = path.is_relative_to(settings.BASE_DIR)
    return f"SQLite {path.relative_to(settings.BASE_DIR) if inside else path}"


def refuse_servers() -> None:
    """Raise UsageError outside of development: simulated vendors' data does not belong with real data."""
    if settings.ENVIRONMENT != "development":
        raise UsageError(
            f"`dev` runs in development only, and ENVIRONMENT is {settings.ENVIRONMENT}: it puts simulated "
            "records into the database."
        )


def refuse_unprepared_database() -> None:
    """Raise UsageError when the database lacks tables."""
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        raise UsageError(
            f"{database_name()} is not prepared: {len(pending)} migrations are not applied. Run "
            "`make install` (or `manage.py migrate`, then `manage.py createcachetable`)."
        )


def sandbox_environment(url: str) -> dict[str, str]:
    """The variables that point every provider at the sandbox that listens at `url`."""
    environ = {"HTTP_ALLOW_LOOPBACK": "true"}
    for provider in all_providers():
        if provider.sandbox is None:
            continue
        base = f"{url}/{provider.slug}"
        environ |= provider.sandbox().environment(base)
        environ |= {setting: f"{base}/{path}" for setting, path in provider.host_settings}
    return environ


def child_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with `variables` in place of what it says of them, also by a `_FILE`."""
    inherited = {
        name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in variables
    }
    return {**inherited, **variables, "PYTHONUNBUFFERED": "1"}


def start_workers(children: Children, environ: Mapping[str, str]) -> Child:
    """Start the workers with these variables.

    Told to stop, they finish what runs for some seconds only; what is cut off is taken up by the next ones.
    """
    limited = {**environ, "JOB_STOP_GRACE_SECONDS": str(WORKERS_STOP_SECONDS)}
    grace = WORKERS_STOP_SECONDS + WORKERS_GRACE_SECONDS
    return children.start("workers", manage("run_workers"), child_environment(limited), grace=grace)


def typed_command(environ: Mapping[str, str], *arguments: str) -> str:
    """A management command as somebody would type it here, with what of `environ` is not set anyway."""
    differing = [
        f"{name}={shlex.quote(value)}"
        for name, value in environ.items()
        if str(getattr(settings, name, "")).rstrip("/").lower() != value.rstrip("/").lower()
    ]
    python = Path(sys.executable)
    inside = python.is_relative_to(settings.BASE_DIR)
    program = str(python.relative_to(settings.BASE_DIR)) if inside else "python"
    return " ".join([*differing, program, "manage.py", *arguments])


def free_port(preferred: int = 0) -> int:
    """`preferred` if nothing listens there, else a port that is free now."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("there is no free port on 127.0.0.1")
