"""ServiceTitan's environment variables."""

from syncplatform.env_kinds import INTEGER, NUMBER, URL
from syncplatform.env_reader import Variable

LABEL = "ServiceTitan"


def _host(environment: str, host: str, vendors: str) -> Variable:
    what = "token endpoint" if host == "AUTH" else "API"
    return Variable(
        f"SERVICETITAN_{environment.upper()}_{host}_URL",
        f"Base URL of the {what} for credentials of the {environment} environment; a path prefix is allowed.",
        default={
            "development": f"http://127.0.0.1:8801/servicetitan/{environment}",
            "qa": vendors,
            "production": vendors,
        },
        kind=URL,
    )


VARIABLES = (
    _host("integration", "API", "https://api-integration.servicetitan.io"),
    _host("integration", "AUTH", "https://auth-integration.servicetitan.io"),
    _host("production", "API", "https://api.servicetitan.io"),
    _host("production", "AUTH", "https://auth.servicetitan.io"),
    Variable(
        "SERVICETITAN_SYNC_STRATEGY",
        "Where records come from: the export feeds, or the lists where an app has no right to the feeds.",
        default="feed",
        choices=("feed", "list"),
    ),
    Variable(
        "SERVICETITAN_REQUESTS_PER_SECOND",
        "Calls per second for each app key and tenant, shared by all workers. The vendor allows 60.",
        default=10,
        kind=INTEGER,
        minimum=1,
        maximum=60,
    ),
    Variable(
        "SERVICETITAN_TIMEOUT",
        "Seconds to wait for a complete answer; the vendor itself gives up after 100.",
        default=100.0,
        kind=NUMBER,
        minimum=0.1,
        maximum=600,
    ),
)
