"""Logging: one line a record on standard error, as text or as JSON, with secrets taken out."""

import logging
from datetime import UTC, datetime
from typing import Any

import orjson

PLAIN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
NOISY_LOGGERS = ("django-q", "urllib3", "asyncio")


class OneLineFormatter(logging.Formatter):
    """Keeps a record on one line, its traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text without line breaks."""
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message, and whatever was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        entry |= {key: value for key, value in vars(record).items() if key not in PLAIN_ATTRIBUTES}
        return orjson.dumps(entry, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def logging_config(level: str, form: str) -> dict[str, Any]:
    """LOGGING for records from `level` up; `form` is text or json."""
    quiet = level if level in {"DEBUG", "ERROR", "CRITICAL"} else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redact": {"()": "synclogs.redaction.RedactingFilter"}},
        "formatters": {
            "text": {
                "()": OneLineFormatter,
                "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
            },
            "json": {"()": JsonFormatter},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["redact"],
            },
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            **{name: {"handlers": [], "level": quiet, "propagate": True} for name in NOISY_LOGGERS},
        },
    }
