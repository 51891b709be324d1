"""A local simulator of the WorkStudio server (see ``docs/sandbox.md``)."""

from circuits.workstudio.sandbox.people import (
    DEFAULT_LOGINS,
    KNOWN_PLANNERS,
    PASSWORD,
    PLANNERS,
    REGIONAL_USERNAME,
    REGIONS,
    SERVICE_USERNAME,
    UNKNOWN_PLANNERS,
    Login,
    Planner,
)
from circuits.workstudio.sandbox.provider import WorkStudioSandbox

__all__ = [
    "DEFAULT_LOGINS",
    "KNOWN_PLANNERS",
    "PASSWORD",
    "PLANNERS",
    "REGIONAL_USERNAME",
    "REGIONS",
    "SERVICE_USERNAME",
    "UNKNOWN_PLANNERS",
    "Login",
    "Planner",
    "WorkStudioSandbox",
]
