"""What of Zuora differs between installations."""

from syncplatform.env_kinds import FLAG, URL
from syncplatform.env_reader import Variable

LABEL = "Zuora"
VARIABLES = (
    Variable(
        "ZUORA_API_URL",
        "Address that is called for every customer in place of its own data center, such as the sandbox's. "
        "Empty: each customer's own.",
        default={"development": "http://127.0.0.1:8801/zuora", "qa": "", "production": ""},
        kind=URL,
    ),
    Variable(
        "ZUORA_QUEUE_FALLBACK",
        "Whether sync_workflows syncs in its own process when the queue's broker cannot be reached.",
        default=True,
        kind=FLAG,
    ),
    Variable(
        "ZUORA_SYNC_RUNS",
        "Whether runs are looked for among all tasks of a tenant, which can be many calls. Off: only the "
        "runs that are known already are followed to their end.",
        default=False,
        kind=FLAG,
    ),
)
