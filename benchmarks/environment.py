"""The environment of a measurement: the product's defaults, whatever this machine's `.env` says."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from typing import Any


def use_defaults() -> None:
    """Forget what configures a real installation, then load Django."""
    from syncplatform.env import VARIABLES

    for variable in VARIABLES:
        os.environ.pop(variable.name, None)
        os.environ.pop(f"{variable.name}_FILE", None)
    os.environ["SYNCPLATFORM_ENV_FILE"] = "none"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncplatform.settings")
    import django

    django.setup()


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    import django

    return {
        "python": platform.python_version(),
        "django": django.get_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0)) if sys.platform.startswith("linux") else os.cpu_count() or 0,
    }
