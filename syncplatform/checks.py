"""System checks of settings that no single variable shows to be wrong."""

import os
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def check_database_pool(**kwargs: Any) -> list[CheckMessage]:
    """The connection pool is for the web process: the forks of a worker would share its sockets."""
    if not settings.DATABASES["default"].get("OPTIONS", {}).get("pool"):
        return []
    problems: list[CheckMessage] = []
    if settings.SYNCPLATFORM_PROCESS == "worker" or "Q_CLUSTER_NAME" in os.environ:
        problems.append(
            Error(
                "DATABASE_POOL is on in a worker process.",
                hint="Set DATABASE_POOL only for the web process.",
                id="syncplatform.E001",
            )
        )
    if find_spec("psycopg_pool") is None:
        problems.append(
            Error(
                "DATABASE_POOL is on, but the package psycopg_pool is not installed.",
                hint="Install psycopg[pool], or unset DATABASE_POOL.",
                id="syncplatform.E002",
            )
        )
    return problems


@register()
def check_cluster_name(**kwargs: Any) -> list[CheckMessage]:
    """A cluster with a name that is no queue would wait for jobs for ever."""
    name = os.environ.get("Q_CLUSTER_NAME")
    known = [settings.Q_CLUSTER["name"], *settings.Q_CLUSTER["ALT_CLUSTERS"]]
    if not name or name in known:
        return []
    return [
        Error(
            f"Q_CLUSTER_NAME is '{name}', which is no queue.",
            hint=f"Use one of {', '.join(known)}.",
            id="syncplatform.E003",
        )
    ]
