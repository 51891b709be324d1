"""Marking as removed what a complete listing no longer has. Rows are never deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import models, transaction

from integrations.sync.among import Among
from integrations.sync.bulk_stream import BulkStream
from integrations.sync.ledger import Ledger
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
    while pks := _next_pks(present, last):
        last = pks[-1]
        unseen = [pk for pk in pks if pk not in seen]
        if not unseen:
            continue
        check()
        stamps = dict.fromkeys(stream.stamped_on_change, began_at)
        with transaction.atomic():
            ledger.hold()
            marked = present.filter(Among("pk", unseen)).update(
                **{str(removed): began_at}, **stamps, last_run_id=run.pk, changed_fields=[removed]
            )
            counts = Counts(removed=marked)
            ledger.add(counts, {str(removed): marked})
        yield counts


def _next_pks(rows: models.QuerySet[models.Model], after: int) -> list[int]:
    return list(rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:ROWS_AT_ONCE])
