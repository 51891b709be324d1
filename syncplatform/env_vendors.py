"""The environment variables of vendors that are rooms of their own; others have a `variables.py`."""

from syncplatform.env_kinds import FLAG, INTEGER, ITEMS, NUMBER, URL
from syncplatform.env_reader import SERVERS, Variable

WORKSTUDIO = (
    Variable(
        "WORKSTUDIO_API_URL",
        "Base URL of the WorkStudio server, ending in /DDOProtocol/.",
        default={"development": "http://127.0.0.1:8801/workstudio/DDOProtocol/"},
        kind=URL,
        required_in=SERVERS,
    ),
    Variable(
        "WORKSTUDIO_USERNAME",
        "The service account, used where no credential is stored; in development the simulator's. "
        "DOMAIN\\user needs no escaping unless it is in double quotes.",
        default={"development": "TREECO\\svc.sync", "qa": "", "production": ""},
    ),
    Variable(
        "WORKSTUDIO_PASSWORD",
        "Its password.",
        default={"development": "sandbox-password", "qa": "", "production": ""},
        secret=True,
    ),
    Variable("WORKSTUDIO_VERIFY_TLS", "Checks the server's certificate.", default=True, kind=FLAG),
    Variable("WORKSTUDIO_CA_BUNDLE", "A file of certificate authorities to check it with.", default=""),
    Variable(
        "WORKSTUDIO_TIMEOUT",
        "Seconds to wait for an answer.",
        default=60.0,
        kind=NUMBER,
        minimum=0.1,
        maximum=3600,
    ),
    Variable(
        "WORKSTUDIO_CONNECT_TIMEOUT",
        "Seconds to wait for a connection.",
        default=10.0,
        kind=NUMBER,
        minimum=0.1,
        maximum=600,
    ),
    Variable(
        "WORKSTUDIO_MAX_RETRIES",
        "Tries of one call, the first included.",
        default=5,
        kind=INTEGER,
        minimum=1,
        maximum=10,
    ),
    Variable(
        "WORKSTUDIO_CALLS_BEFORE_DELAY",
        "After this many calls a run pauses.",
        default=5,
        kind=INTEGER,
        minimum=1,
    ),
    Variable(
        "WORKSTUDIO_RATE_LIMIT_DELAY",
        "How long that pause is, in microseconds.",
        default=500_000,
        kind=INTEGER,
        minimum=0,
    ),
    Variable(
        "WORKSTUDIO_MAX_BODY_MB",
        "A longer answer is refused.",
        default=256,
        kind=INTEGER,
        minimum=1,
    ),
    Variable(
        "WORKSTUDIO_HEALTH_CHECK",
        "How health is checked: by fetching the base URL, or with a HEARTBEAT call as the service account.",
        default="base_url",
        choices=("base_url", "heartbeat"),
    ),
    Variable(
        "WORKSTUDIO_SCHEDULE_AGGREGATES",
        "Fetches planned units by the clock and closes each week; needs `manage.py schedules load`.",
        default=True,
        kind=FLAG,
    ),
    Variable(
        "WORKSTUDIO_VIEW_VEGETATION_ASSESSMENTS",
        "The view that lists circuits.",
        default="{A856F956-88DF-4807-90E2-7E12C25B5B32}",
    ),
    Variable(
        "WORKSTUDIO_VIEW_PLANNED_UNITS",
        "The view that lists planned units.",
        default="{985AECEF-D75B-40F3-9F9B-37F21C63FF4A}",
    ),
    Variable(
        "WORKSTUDIO_PLANNER_EXCLUSIONS",
        "WorkStudio user names that are never taken for planners.",
        default=[],
        kind=ITEMS,
    ),
)
