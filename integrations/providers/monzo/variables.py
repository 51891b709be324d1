"""Monzo's environment variables."""

from syncplatform.env_kinds import URL
from syncplatform.env_reader import SERVERS, Variable

LABEL = "Monzo"
SANDBOX = "http://127.0.0.1:8801/monzo"

VARIABLES = (
    Variable(
        "MONZO_API_BASE",
        "Base URL of Monzo's API.",
        default={"development": SANDBOX, **dict.fromkeys(SERVERS, "https://api.monzo.com")},
        kind=URL,
    ),
    Variable(
        "MONZO_AUTH_BASE",
        "Where people give their consent. The client's id and secret are entered under OAuth applications.",
        default={"development": f"{SANDBOX}/auth", **dict.fromkeys(SERVERS, "https://auth.monzo.com")},
        kind=URL,
    ),
    Variable(
        "MONZO_TIME_ZONE",
        "The zone in which balances have their day.",
        default="Europe/London",
    ),
)
