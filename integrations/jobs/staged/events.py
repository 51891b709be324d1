"""BaseEventJob: a processing job whose items become events, objects and blocks."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.db import Error as DatabaseError

from integrations.http.errors import RecordError
from integrations.jobs.outcomes import JobFailed
from integrations.jobs.staged.processing import BaseProcessingJob, Processed
from integrations.sync.activity.drafts import Draft
from integrations.sync.activity.rows import ItemRows, RowBuilder, Scope
from integrations.sync.activity.writer import ActivityWriter
from integrations.sync.chunks import canonical
from integrations.sync.records import Refused
from synclogs.issues import MAX_SOURCE_ID
from synclogs.redaction import excerpt

logger = logging.getLogger("syncplatform.jobs")


class BaseEventJob(BaseProcessingJob):
    """A subclass writes `map_item`: one item of the vendor to drafts.

    With `authoritative_blocks` an event's blocks are exactly those of its draft: others are soft-deleted.
    """

    authoritative_blocks: ClassVar[bool] = False

    @abstractmethod
    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """What one item comes to: events, objects, or nothing. Raises RecordError when it cannot be taken.

        It asks neither the vendor nor the database: `prepare` is for that.
        """

    def prepare(self, items: Sequence[Any]) -> None:
        """Look up, for all items at once, what mapping them takes; before the chunk's transaction."""

    def source_id(self, item: Any) -> str:
        """The vendor's name of an item, as well as it can be read; for issues."""
        return str(item.get("id") or "") if isinstance(item, dict) else ""

    def excerpt(self, item: Any) -> str:
        """A short piece of an item that could not be taken; it is redacted."""
        return excerpt(canonical(item))

    def read(self, items: Sequence[Any]) -> None:
        """Map each item."""
        self.prepare(items)
        builder = RowBuilder(self._scope())
        self._taken: list[ItemRows] = []
        self._unreadable: list[Refused] = []
        for index, item in enumerate(items):
            try:
                self._taken.append(self._rows(builder, item, index))
            except RecordError as error:
                self._unreadable.append(self._refusal(item, index, error))

    def process(self, items: Sequence[Any]) -> Processed:
        """Write what could be mapped, all of it at once."""
        writer = ActivityWriter(self._scope(), authoritative_blocks=self.authoritative_blocks)
        written = writer.write(self._taken)
        refused = list(self._unreadable)
        refused += [self._refusal(items[each.index], each.index, each.error) for each in written.refused]
        written.counts.failed = len(refused)
        return Processed(written.counts, refused)

    def _rows(self, builder: RowBuilder, item: Any, index: int) -> ItemRows:
        rows = ItemRows(index, excerpt(self._safe_id(item), MAX_SOURCE_ID))
        try:
            drafts = list(self.map_item(item, index))
        except (RecordError, DatabaseError):
            raise
        except Exception as error:
            if not self._unreadable:  # one traceback a chunk says enough; the issues name the others
                logger.exception("item %d of payload %s cannot be mapped", index, self.payload.pk)
            raise RecordError(f"{type(error).__name__}: {error}", code="mapping_failed") from error
        return builder.build(rows, drafts)

    def _refusal(self, item: Any, index: int, error: RecordError) -> Refused:
        return Refused(index, excerpt(self._safe_id(item), MAX_SOURCE_ID), error, self.excerpt(item))

    def _safe_id(self, item: Any) -> str:
        try:
            return self.source_id(item)
        except Exception:
            return ""

    def _scope(self) -> Scope:
        integration, payload = self.integration, self.payload
        user_id = integration.user_id or (integration.credential.user_id if integration.credential else None)
        if user_id is None:
            raise JobFailed(
                f"connection {integration.name!r} belongs to no user, and activity is a user's",
                code="no_user",
                actionable_message="Reconnect it as the user whose data it brings.",
            )
        run_id = self.run.pk if self.run is not None else None
        return Scope(integration.pk, user_id, integration.provider, payload.received_at, run_id)
