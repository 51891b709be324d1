"""Which errors are critical, and what happens to one that ends a worker's job or a command.

docs/operations.md, "Alerts".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import Error as DatabaseError

from synclogs import metrics
from synclogs.alerts import Problem, report_problem, report_recovery
from synclogs.models import Alert, AlertSeverity, AlertState
from synclogs.redaction import redact_text

logger = logging.getLogger("syncplatform.errors")

CREDENTIAL_CODES = frozenset(
    {"unauthorized", "forbidden", "reauth", "auth", "invalid_grant", "invalid_token", "secret_unreadable"}
)
CONFIGURATION_CODES = frozenset({"configuration", "not_configured", "private_address", "tls", "unknown_job"})
DATABASE_CODES = frozenset({"database"})
CONTRACT_CODES = frozenset(
    {"protocol", "bad_reply", "bad_request", "body_too_large", "all_records_failed", "error"}
)
PASSING_ACTIONS = frozenset({"retry", "postpone", "skip_record"})
RULES = (
    ("credential_refused", CREDENTIAL_CODES),
    ("configuration", CONFIGURATION_CODES),
    ("database", DATABASE_CODES),
    ("contract_violation", CONTRACT_CODES),
)
LAST_RULE = "dead_letter"

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def rule_for(code: str) -> str:
    """The rule under which the error code of a failed job falls; `dead_letter` when no other does."""
    return next((rule for rule, codes in RULES if code in codes), LAST_RULE)


def critical_rule(error: BaseException) -> str | None:
    """The rule under which an error is critical by itself; None for one that passes or was to be expected."""
    code = str(getattr(error, "code", "") or "")
    rule = rule_for(code)
    if isinstance(error, ImproperlyConfigured):
        return "configuration"
    if isinstance(error, DatabaseError):
        return "database"
    if str(getattr(error, "action", "")) in PASSING_ACTIONS:
        return None
    if rule != LAST_RULE:
        return rule
    expected = bool(code) or isinstance(error, CommandError)
    return None if expected else "contract_violation"


def is_critical_error(error: BaseException) -> bool:
    """Whether somebody must be told at once."""
    return critical_rule(error) is not None


def worker_name(cls: type) -> str:
    """A class's name as metrics and logs have it: `SyncCircuitsJob` is `sync_circuits_job`."""
    return _WORD.sub("_", cls.__name__).lower()


def handle_worker_error(
    error: BaseException,
    worker: str,
    context: Mapping[str, Any] | None = None,
    *,
    account_id: int | None = None,
    alert: bool = True,
) -> None:
    """Log and count an error that ended the work of `worker`, and alert when it is critical.

    An alert that cannot be written is logged and hides nothing.
    """
    kind = type(error).__name__
    logger.error("Worker error: worker=%s error=%s: %s %s", worker, kind, error, dict(context or {}))
    logger.debug("Worker error: worker=%s", worker, exc_info=error)
    count_worker_error(error, worker)
    if alert:
        try:
            send_error_alert(error, worker, context, account_id=account_id)
        except Exception as failure:
            logger.error("the alert about %s could not be written: %s", worker, failure)


def count_worker_error(error: BaseException | None, worker: str) -> None:
    """The metric of an error that ended work."""
    kind = type(error).__name__ if error is not None else "none"
    metrics.count("worker.error", tags={"worker": worker, "error_type": kind})


def send_error_alert(
    error: BaseException,
    worker: str,
    context: Mapping[str, Any] | None = None,
    *,
    account_id: int | None = None,
) -> None:
    """Open or count the alert of a critical error; does nothing for others."""
    rule = critical_rule(error)
    if rule is None:
        return
    kind = type(error).__name__
    report_problem(
        Problem(
            rule=rule,
            severity=AlertSeverity.CRITICAL,
            source=worker,
            message=redact_text(str(error)) or kind,
            error_code=str(getattr(error, "code", "") or kind),
            actionable_message=str(getattr(error, "actionable_message", "")),
            account_id=account_id,
            context=context or {},
        )
    )


def recover_worker(worker: str) -> None:
    """The work that had alerted has succeeded: its alerts are over."""
    rules = [rule for rule, _ in RULES]
    report_recovery(Alert.objects.filter(source=worker, rule__in=rules, state=AlertState.OPEN))
