"""The one redaction of the product: text, values, URLs, excerpts and log records.

Anything that leaves a process (log line, ledger row, error message, alert) passes through here first. Three
things are removed: values of sensitive names (`password=...`, `"token": "..."`), credentials of known shapes
(`Bearer ...`, URL userinfo) and secrets registered at run time, wherever they show up. Every function is
idempotent and never raises on odd input. In doubt it redacts too much rather than too little.
"""

from synclogs.redaction.excerpts import excerpt
from synclogs.redaction.known import MIN_SECRET_LENGTH, register_secret
from synclogs.redaction.records import RedactingFilter
from synclogs.redaction.text import redact_text, redact_url
from synclogs.redaction.values import redact_value
from synclogs.redaction.words import REDACTED, is_sensitive_name

__all__ = [
    "MIN_SECRET_LENGTH",
    "REDACTED",
    "RedactingFilter",
    "excerpt",
    "is_sensitive_name",
    "redact_text",
    "redact_url",
    "redact_value",
    "register_secret",
]
