"""Which statuses a sync takes: those asked for, without those that are switched off in the settings."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from circuits.models import ApiStatusConfig
from circuits.statuses import ApiStatus

logger = logging.getLogger("syncplatform.circuits")


def split_by_switch(wanted: Iterable[ApiStatus]) -> tuple[list[ApiStatus], list[ApiStatus]]:
    """The wanted statuses, each once and in order: those to sync, and those that are switched off.

    A status without settings is on. Says in the log what is off.
    """
    statuses = list(dict.fromkeys(wanted))
    switched_off = set(
        ApiStatusConfig.objects.filter(api_status__in=statuses, is_active=False).values_list(
            "api_status", flat=True
        )
    )
    off = [status for status in statuses if status in switched_off]
    if off:
        logger.warning("not synced, switched off in the status settings: %s", ", ".join(off))
    return [status for status in statuses if status not in switched_off], off
