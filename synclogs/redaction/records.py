"""Redaction of log records."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from synclogs.redaction.text import redact_text
from synclogs.redaction.values import redact_value, redacted_member


class RedactingFilter(logging.Filter):
    """Cleans a record in place: message, arguments, extra fields, traceback text and stack."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact and always let the record through; one that cannot be redacted loses its text."""
        try:
            self._clean_message(record)
            self._clean_rest(record)
        except Exception:  # logging must neither fail nor leak
            record.msg, record.args = "[log record could not be redacted]", ()
            record.exc_info = record.exc_text = record.stack_info = None
        return True

    @staticmethod
    def _clean_message(record: logging.LogRecord) -> None:
        """Arguments are cleaned one by one, as formatters may use them; the whole is replaced if need be."""
        if not record.args:
            record.msg = redact_text(str(record.msg))
            return
        if isinstance(record.args, Mapping):
            record.args = redact_value(record.args)
        else:
            record.args = tuple(redact_text(one) if isinstance(one, str) else one for one in record.args)
        message = record.getMessage()
        clean = redact_text(message)
        if clean != message:
            record.msg, record.args = clean, ()

    @staticmethod
    def _clean_rest(record: logging.LogRecord) -> None:
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = redact_text(record.exc_text) if record.exc_text else record.exc_text
        record.stack_info = redact_text(record.stack_info) if record.stack_info else record.stack_info
        for name in record.__dict__.keys() - _RECORD_FIELDS:
            extra = record.__dict__[name]
            if isinstance(extra, (str, bytes, Mapping, list, tuple)):
                record.__dict__[name] = redacted_member(name, extra)


_RECORD_FIELDS = logging.makeLogRecord({}).__dict__.keys() | {"message", "asctime", "taskName"}
