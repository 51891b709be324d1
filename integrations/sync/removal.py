"""Marking as removed what a complete listing no longer has. Rows are never deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import models, transaction

from integrations.sync.among import Among
from integrations.sync.bulk_stream import BulkStream
from integrations.sync.ledger import Ledger
from integrations.sync.records import Key
from integrations.sync.seen import SeenRows
from synclogs.counts import Counts
from synclogs.models import SyncLog

ROWS_AT_ONCE = 2000


def remove_unseen(
    stream: BulkStream,
    run: SyncLog,
    ledger: Ledger,
    seen: SeenRows,
    began_at: datetime,
    check: Callable[[], None],
) -> Iterator[Counts]:
    """Mark rows that were not seen since `began_at`, in batches; yields each batch's counts.

    A row that somebody else wrote while the listing went on (a webhook) is left alone.
    """
    removed, changed_at = stream.restored_by_clearing, stream.stamped_on_change[0]
    present = stream.model._base_manager.filter(
        **stream.scope, **{f"{removed}__isnull": True, f"{changed_at}__lt": began_at}
    )
    last = 0
    while keys := _next_keys(present, stream.key, last):
        last = max(keys)
        unseen = {key: pk for pk, key in keys.items() if pk not in seen}
        if not unseen:
            continue
        check()
        gone = [unseen[key] for key in stream.really_gone(list(unseen))]
        if not gone:
            continue
        stamps = dict.fromkeys(stream.stamped_on_change, began_at)
        with transaction.atomic():
            ledger.hold()
            marked = present.filter(Among("pk", gone)).update(
                **{str(removed): began_at}, **stamps, last_run_id=run.pk, changed_fields=[removed]
            )
            counts = Counts(removed=marked)
            ledger.add(counts, {str(removed): marked})
        yield counts


def _next_keys(rows: models.QuerySet[models.Model], key: str, after: int) -> dict[int, Key]:
    return dict(rows.filter(pk__gt=after).order_by("pk").values_list("pk", key)[:ROWS_AT_ONCE])
