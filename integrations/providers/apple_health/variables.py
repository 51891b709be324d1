"""The environment variables of Apple Health."""

from syncplatform.env_kinds import INTEGER
from syncplatform.env_reader import Variable

LABEL = "Apple Health"
VARIABLES = (
    Variable(
        "APPLE_HEALTH_MAX_BODY_MB",
        "The longest delivery of a phone, as sent and as inflated.",
        default=64,
        kind=INTEGER,
        minimum=1,
        maximum=512,
    ),
)
