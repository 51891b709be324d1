"""What of Hevy differs between installations."""

from syncplatform.env_kinds import INTEGER, URL
from syncplatform.env_reader import Variable

LABEL = "Hevy"
VARIABLES = (
    Variable(
        "HEVY_API_URL",
        "Address of Hevy's API; a path prefix is allowed.",
        default={
            "development": "http://127.0.0.1:8801/hevy",
            "qa": "https://api.hevyapp.com",
            "production": "https://api.hevyapp.com",
        },
        kind=URL,
    ),
    Variable(
        "HEVY_REQUESTS_PER_SECOND",
        "Calls a second for one API key. Hevy publishes no limit.",
        default=1,
        kind=INTEGER,
        minimum=1,
        maximum=1000,
    ),
)
