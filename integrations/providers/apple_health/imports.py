"""Importing an export file: the same mapping and the same rows as a delivery's, without any server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from integrations.http.errors import RecordError
from integrations.jobs.outcomes import JobFailed
from integrations.jobs.registry import register_job
from integrations.jobs.sync_job import BaseSyncJob
from integrations.models import Integration
from integrations.providers.apple_health import files
from integrations.providers.apple_health.envelope import METRICS, Export, NotAnExport
from integrations.providers.apple_health.files import Record
from integrations.providers.apple_health.slug import PROVIDER
from integrations.sync.activity import tables
from integrations.sync.activity.rows import ItemRows, RowBuilder, Scope
from integrations.sync.activity.writer import ActivityWriter
from integrations.sync.chunks import canonical
from integrations.sync.ledger import RunLedger
from integrations.sync.records import Refused
from synclogs.counts import Counts
from synclogs.issues import MAX_SOURCE_ID
from synclogs.models import SyncLog
from synclogs.redaction import excerpt

BATCH = 500
MOST_LISTED = 1000
NOBODY = Scope(0, 0, PROVIDER, datetime(1970, 1, 1, tzinfo=UTC), None)


@dataclass(slots=True)
class Mapped:
    """A batch as rows, and what of it could not be taken."""

    rows: list[ItemRows] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@register_job
class AppleHealthImport(BaseSyncJob):
    """Takes one kind of data of a file in, for one connection. Runs in the foreground, where the file is."""

    name = "apple_health.import"
    provider = PROVIDER
    job_type = "import"
    sync_type = "apple_health_import"
    timeout = 3600
    fetches = False

    def sync(self) -> None:
        """Batch by batch; a run that was killed may be started again, as nothing is written twice."""
        path = Path(str(self.args["file"]))
        try:
            with files.opened(path) as export:
                self._take_in(path, export)
        except (NotAnExport, OSError, ValueError) as error:
            raise JobFailed(
                f"{path.name} cannot be read: {error}",
                code="bad_file",
                actionable_message="Export again from the app, as JSON.",
            ) from error

    def _take_in(self, path: Path, export: Export) -> None:
        kind, reporter = self.integration.instance_type, self.claim.reporter
        reporter.phase(f"importing {kind}")
        reporter.expect(files.count(export, kind))
        ledger = RunLedger(self.run, kind)
        scope = scope_of(self.integration, self.run, path)
        writer = ActivityWriter(scope, authoritative_blocks=kind == METRICS)
        for batch in batches(files.records(export, kind, str(self.args["aggregation"]))):
            self.check()
            mapped = map_batch(scope, batch)
            with transaction.atomic():
                ledger.hold()
                written = writer.write(mapped.rows)
                refused = mapped.refused + [
                    _refusal(batch[each.index], each.index, each.error) for each in written.refused
                ]
                written.counts.failed = len(refused)
                ledger.refuse(refused)
                ledger.add(written.counts, {})
            reporter.advance(written.counts)

    def finish(self) -> None:
        """End with a warning when records were left out."""
        self.run.refresh_from_db(fields=["records_failed"])
        if self.run.records_failed:
            lost = self.run.records_failed
            self.run.complete_with_warning(f"{lost:,} records could not be taken: see the issues.")
        else:
            self.run.complete()


def preview(
    path: Path, kind: str, aggregation: str, connection: Integration | None
) -> tuple[Counts, list[Refused]]:
    """What an import would do, without writing anything; at most 1,000 refusals are listed.

    Raises NotAnExport and OSError.
    """
    counts = Counts()
    refused: list[Refused] = []
    scope = scope_of(connection, None, path) if connection is not None else NOBODY
    with files.opened(path) as export:
        for batch in batches(files.records(export, kind, aggregation)):
            mapped = map_batch(scope, batch)
            counts += _compared(mapped, known=connection is not None)
            refused += mapped.refused[: MOST_LISTED - len(refused)]
    return counts, refused


def scope_of(connection: Integration, run: SyncLog | None, path: Path) -> Scope:
    """Whose rows are written; news is as old as the file is. Raises JobFailed for nobody's connection."""
    if connection.user_id is None:
        raise JobFailed("the connection belongs to no user, and activity is a user's", code="no_user")
    written_at = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), timezone.now())
    return Scope(connection.pk, connection.user_id, PROVIDER, written_at, run.pk if run else None)


def map_batch(scope: Scope, batch: Sequence[Record]) -> Mapped:
    """Each record as rows, or why not."""
    builder, mapped = RowBuilder(scope), Mapped()
    for index, record in enumerate(batch):
        try:
            rows = ItemRows(index, excerpt(record.name, MAX_SOURCE_ID))
            mapped.rows.append(builder.build(rows, [record.draft()]))
        except RecordError as error:
            mapped.refused.append(_refusal(record, index, error))
    return mapped


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Some hundred at a time."""
    iterator = iter(records)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _compared(mapped: Mapped, *, known: bool) -> Counts:
    rows = {pk: row for item in mapped.rows for pk, row in item.events.items()}
    stored = tables.events().stored(rows) if known else {}
    same = sum(pk in stored and stored[pk].is_as(row) for pk, row in rows.items())
    return Counts(
        created=len(rows) - len(stored),
        updated=len(stored) - same,
        unchanged=same,
        skipped=len(mapped.rows) - len(rows),
        failed=len(mapped.refused),
    )


def _refusal(record: Record, index: int, error: RecordError) -> Refused:
    return Refused(index, excerpt(record.name, MAX_SOURCE_ID), error, excerpt(canonical(record.raw)))
