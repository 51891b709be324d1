"""The declared variables of metrics, notifications and retention."""

from syncplatform.env_kinds import FLAG, INTEGER, ITEMS, NUMBER, URL
from syncplatform.env_reader import Variable

METRICS = (
    Variable(
        "STATSD_HOST",
        "Host that metrics are sent to over UDP (StatsD with DogStatsD tags). Empty: no metrics.",
        default="",
    ),
    Variable("STATSD_PORT", "Its port.", default=8125, kind=INTEGER, minimum=1, maximum=65_535),
    Variable(
        "STATSD_BACKEND",
        "Where metrics go: over the network, into memory (for tests), or nowhere.",
        default="udp",
        choices=("udp", "memory", "null"),
    ),
)

NOTICES = (
    Variable(
        "ALERT_EMAILS",
        "Who is mailed when an alert opens and recovers. Empty: nobody.",
        default=[],
        kind=ITEMS,
    ),
    Variable(
        "ALERT_WEBHOOK_URL",
        "A Slack-compatible webhook that alerts are posted to. Empty: none.",
        default="",
        kind=URL,
        secret=True,
    ),
    Variable(
        "ALERT_WEBHOOK_SECRET",
        "Signs what is posted there (HMAC-SHA256 in the header X-Syncplatform-Signature). Empty: no header.",
        default="",
        secret=True,
    ),
    Variable(
        "ALERT_COOLDOWN_S",
        "Seconds before the same alert is sent again while it goes on.",
        default=3600,
        kind=INTEGER,
        minimum=0,
    ),
    Variable(
        "COMMAND_NOTIFY_EMAILS",
        "Who is mailed about failures of long commands. Empty: nobody.",
        default=[],
        kind=ITEMS,
    ),
    Variable("EMAIL_HOST", "The mail server that takes these mails.", default="localhost"),
    Variable("EMAIL_PORT", "Its port.", default=25, kind=INTEGER, minimum=1, maximum=65_535),
    Variable("EMAIL_HOST_USER", "Its user. Empty: no login.", default=""),
    Variable("EMAIL_HOST_PASSWORD", "That user's password.", default="", secret=True),
    Variable("EMAIL_USE_TLS", "Talks to it over STARTTLS.", default=False, kind=FLAG),
    Variable("DEFAULT_FROM_EMAIL", "Who these mails are from.", default="syncplatform@localhost"),
)


def _kept(name: str, what: str, days: float) -> Variable:
    return Variable(
        f"RETENTION_{name}_DAYS",
        f"How many days {what} are kept.",
        default=days,
        kind=NUMBER,
        minimum=0.01,
        maximum=36_500,
    )


RETENTION = (
    _kept("JOBS", "jobs that succeeded or were cancelled, with their attempts,", 30),
    _kept("FAILED_JOBS", "failed jobs, and the retries that mended them,", 180),
    _kept("RUNS", "runs, with their issues,", 365),
    _kept("COMMANDS", "records of commands", 90),
    _kept("ALERTS", "alerts that are over", 180),
    _kept("LIVE_EVENTS", "events of the live pages", 2),
    _kept("RAW_PAYLOADS", "fetched and received chunks, once they are processed,", 30),
    _kept("WEBHOOKS", "webhook deliveries that were processed or ignored", 30),
    _kept("REFUSED_WEBHOOKS", "counts of refused webhook deliveries", 7),
    _kept("AUTHORIZATIONS", "visits to consent pages, and tokens of clients that have ended,", 90),
    _kept("QUEUE_RESULTS", "result rows of django-q2", 1),
)
