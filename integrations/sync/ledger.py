"""Where a writer accounts for its batches, in the transaction that writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from integrations.sync.records import Refused
from synclogs.counts import Counts
from synclogs.issues import IssueBook
from synclogs.models import RunFenced, SyncLog, SyncStatus


class Ledger(Protocol):
    """The fence and the books of a writer. Each method is called inside the batch's transaction."""

    def hold(self) -> None:
        """Lock what says that this process may write; called first. Raises RunFenced."""

    def refuse(self, refused: Sequence[Refused]) -> None:
        """Write down what could not be taken."""

    def add(self, counts: Counts, changed: Mapping[str, int]) -> None:
        """Add the batch's counts and how often each field changed. Raises RunFenced."""


class RunLedger:
    """The ledger that is the run's own row, owned by one process at a time."""

    def __init__(self, run: SyncLog, stream: str, partition: str = "") -> None:
        self._run = run
        self._issues = IssueBook(run, stream, partition)

    def hold(self) -> None:
        """Lock the run before any row, as its end does too: the two cannot block each other."""
        mine = SyncLog.objects.select_for_update().filter(
            pk=self._run.pk, sync_status=SyncStatus.STARTED, owner_token=self._run.owner_token
        )
        if not mine.values_list("pk", flat=True):
            raise RunFenced(f"run {self._run.pk} is no longer owned by this process")

    def refuse(self, refused: Sequence[Refused]) -> None:
        """Keep them as the run's issues, as far as the cap allows."""
        self._issues.add(refused)

    def add(self, counts: Counts, changed: Mapping[str, int]) -> None:
        """Add to the run's counts and to its changed fields."""
        columns: dict[str, Any] = {}
        if changed:
            total = Counter(self._run.changed_fields)
            total.update(changed)
            columns["changed_fields"] = self._run.changed_fields = dict(total.most_common(MAX_FIELDS))
        self._run.add_batch(counts, **columns)


MAX_FIELDS = 200
