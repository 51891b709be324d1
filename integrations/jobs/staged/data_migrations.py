"""What a provider changes once in the data of each of its connections."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import transaction

from integrations import registry
from integrations.models import Integration, SyncCursor

logger = logging.getLogger("syncplatform.jobs")

STREAM = "data_migrations"


def apply(integration: Integration, check: Callable[[], None] = lambda: None) -> list[str]:
    """Apply the provider's data migrations that this connection has not had, in their order.

    Each is one transaction with the note that it was applied. Returns the names of those applied now.
    """
    applied: list[str] = []
    for migration in registry.get_provider(integration.provider).data_migrations:
        check()
        with transaction.atomic():
            cursor, _ = SyncCursor.objects.select_for_update().get_or_create(
                integration=integration, stream=STREAM
            )
            done = list(cursor.state.get("applied", []))
            if migration.name in done:
                continue
            migration.apply(integration)
            cursor.state = {"applied": [*done, migration.name]}
            cursor.save(update_fields=["state", "updated_at"])
        logger.info("data migration %s applied to %s", migration.name, integration)
        applied.append(migration.name)
    return applied
