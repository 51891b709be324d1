"""Deleting rows past their retention, a batch a transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone

from integrations.retention.rules import RULES, Rule

logger = logging.getLogger("syncplatform.retention")


@dataclass(slots=True)
class Pruned:
    """How many rows of each kind went (or would go), what failed, and whether more is left for next time."""

    rows: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    unfinished: bool = False

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.rows.values())


def count_past() -> Pruned:
    """What `prune` would delete now."""
    now = timezone.now()
    return Pruned({rule.name: rule.rows(now).order_by().count() for rule in RULES})


def prune(*, max_seconds: float | None = None, check: Callable[[], None] = lambda: None) -> Pruned:
    """Delete what is past its retention.

    `max_seconds` bounds the time spent, `check` is called between batches and may raise. A table that cannot
    be pruned is named and does not stop the others.
    """
    ends_at = None if max_seconds is None else time.monotonic() + max_seconds
    pruned = Pruned(dict.fromkeys((rule.name for rule in RULES), 0))
    for rule in RULES:
        try:
            for deleted in _batches(rule):
                pruned.rows[rule.name] += deleted
                check()
                if ends_at is not None and time.monotonic() > ends_at:
                    pruned.unfinished = True
                    logger.warning("pruning has used its time, the rest is left for the next time")
                    return pruned
        except DatabaseError as error:
            logger.error("%s could not be pruned: %s", rule.name, error)
            pruned.errors[rule.name] = str(error)
    logger.info("pruned %s", ", ".join(f"{count} {name}" for name, count in pruned.rows.items()))
    return pruned


def _batches(rule: Rule) -> Iterator[int]:
    """Delete batch after batch in the order of keys; yields how many rows each had."""
    rows = rule.rows(timezone.now()).order_by("pk")
    after: dict[str, object] = {}
    while pks := list(rows.filter(**after).values_list("pk", flat=True)[: rule.batch]):
        after = {"pk__gt": pks[-1]}
        with transaction.atomic():
            _, deleted = rows.order_by().filter(pk__in=pks).delete()
        yield deleted.get(rows.model._meta.label, 0)
