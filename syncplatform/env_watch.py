"""The declared variables of metrics and notifications."""

from syncplatform.env_kinds import INTEGER, ITEMS
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
        "COMMAND_NOTIFY_EMAILS",
        "Who is mailed about failures of long commands. Empty: nobody.",
        default=[],
        kind=ITEMS,
    ),
)
