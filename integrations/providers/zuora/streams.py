"""Zuora's streams: workflows, listed completely at each sync, and the runs that are followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from integrations.http.errors import BadReply, IntegrationError
from integrations.http.paginators import Page, PageWalk, numbered_pages
from integrations.providers.zuora.client import PAGE_LENGTH, ZuoraClient
from integrations.providers.zuora.errors import PROVIDER
from integrations.providers.zuora.gather import gather
from integrations.providers.zuora.models import ENDED_STATUSES, Workflow, WorkflowRun
from integrations.providers.zuora.records import (
    RUN_COLUMNS,
    WORKFLOW_COLUMNS,
    RunRecord,
    TaskRecord,
    WorkflowRecord,
    run_id_of,
    run_row,
    workflow_row,
)
from integrations.sync.among import Among
from integrations.sync.bulk_stream import BulkStream, Start
from integrations.sync.records import Key, Plan, RawRecord

MAX_PAGES = 1000
RUNS_AT_ONCE = 100


class _Numbered(msgspec.Struct):
    id: int | str | None = None


class WorkflowStream(BulkStream):
    """The definitions of one customer. Zuora has neither an order nor a filter by time, so all are listed.

    The list moves while it is read, so a workflow that it did not show is asked for by its id before it
    counts as removed. `found` are those that are still there, to be written; `unclear` says why others could
    not be asked for.
    """

    name = "workflows"
    model = Workflow
    record = WorkflowRecord
    key = "zuora_id"
    columns = WORKFLOW_COLUMNS
    restored_by_clearing = "removed_at"
    lists_everything = True
    confirms_removal = True
    batch_size = PAGE_LENGTH

    def __init__(self, client: ZuoraClient, customer_id: int) -> None:
        super().__init__(customer_id=customer_id)
        self._client = client
        self.found: list[msgspec.Raw] = []
        self.unclear: list[IntegrationError] = []

    def row(self, record: Any) -> Sequence[Any]:
        """The values of a definition."""
        return workflow_row(record)

    def pages(self, start: Start) -> PageWalk:
        """Pages of 50 until there is no next one."""
        first = start.state.get("page", 1)
        walk = numbered_pages(self._client.workflow_page, first=first, in_flight=0, deadline=start.deadline)
        return _guarded(walk, first)

    def really_gone(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Those that Zuora says do not exist. Raises ZuoraRateLimitError and ZuoraAuthenticationError."""
        gone: list[Key] = []
        for answer in gather(self._client.workflow, [int(key) for key in keys]):
            if answer.is_gone:
                gone.append(answer.zuora_id)
            elif answer.raw is not None:
                self.found.append(answer.raw)
            elif answer.error is not None:
                self.unclear.append(answer.error)
        self.found = self._completed(self.found)
        return gone

    def after_merge(self, plan: Plan[RawRecord]) -> None:
        """Keep the priority of definitions that tell one: the list never does."""
        told = [record for record in plan.to_write if record.source.priority]
        for priority in {record.source.priority for record in told}:
            ids = [record.key for record in told if record.source.priority == priority]
            self.model.objects.filter(Among("zuora_id", ids), **self.scope).update(priority=priority[:60])

    def _completed(self, found: list[msgspec.Raw]) -> list[msgspec.Raw]:
        """Definitions asked for by id lack the inactive versions, which the list had told."""
        documents = [msgspec.json.decode(raw) for raw in found]
        ids = [document["id"] for document in documents if isinstance(document.get("id"), int)]
        stored = dict(
            Workflow.objects.filter(Among("zuora_id", ids), **self.scope).values_list("zuora_id", "raw")
        )
        return [
            msgspec.Raw(msgspec.json.encode({**stored.get(document.get("id"), {}), **document}))
            for document in documents
        ]


class RunStream(BulkStream):
    """The runs of one customer that have not ended yet, and with `discover` all that its tasks tell of.

    Zuora has no list of runs. One that does not exist any more was purged.
    """

    name = "workflow_runs"
    model = WorkflowRun
    record = RunRecord
    key = "zuora_id"
    columns = RUN_COLUMNS

    def __init__(self, client: ZuoraClient, customer_id: int, *, discover: bool) -> None:
        super().__init__(customer_id=customer_id)
        self._client = client
        self._discover = discover
        self._purged: list[int] = []
        self.unclear: list[IntegrationError] = []

    def row(self, record: Any) -> Sequence[Any]:
        """The values of a run."""
        return run_row(record)

    def pages(self, start: Start) -> PageWalk:
        """The runs in the order of their ids, asked for one by one, some at a time."""
        wanted = [number for number in self._wanted() if number > start.state.get("after", 0)]
        while wanted:
            part, wanted = wanted[:RUNS_AT_ONCE], wanted[RUNS_AT_ONCE:]
            records = []
            for answer in gather(self._client.run, part):
                if answer.is_gone:
                    self._purged.append(answer.zuora_id)
                elif answer.raw is not None:
                    records.append(answer.raw)
                elif answer.error is not None:
                    self.unclear.append(answer.error)
            yield Page(records, {"after": part[-1] if wanted else None}, is_last=not wanted)

    def after_merge(self, plan: Plan[RawRecord]) -> None:
        """Say which runs were purged, and link those written to their workflows."""
        rows = WorkflowRun.objects.filter(**self.scope)
        if self._purged:
            purged, self._purged = self._purged, []
            rows.filter(Among("zuora_id", purged)).update(purged_at=timezone.now())
        written = [record.key for record in plan.to_write]
        if not written:
            return
        rows = rows.filter(Among("zuora_id", written), workflow__isnull=True)
        for column in ("zuora_id", "active_version_id"):
            same = {column: OuterRef("original_workflow_id"), **self.scope}
            rows.update(workflow_id=Subquery(Workflow.objects.filter(**same).order_by().values("pk")[:1]))

    def _wanted(self) -> list[int]:
        known = WorkflowRun.objects.filter(**self.scope)
        over = Q(status__in=ENDED_STATUSES) | Q(purged_at__isnull=False)
        wanted = set(known.exclude(over).values_list("zuora_id", flat=True))
        if self._discover:
            wanted |= self._discovered() - set(known.filter(over).values_list("zuora_id", flat=True))
        return sorted(wanted)

    def _discovered(self) -> set[int]:
        """The runs that the tenant's tasks belong to."""
        found: set[int] = set()
        for page in numbered_pages(self._client.task_page, in_flight=1):
            found.update(_run_ids(page.records))
        return found


def _guarded(walk: PageWalk, first: int) -> PageWalk:
    """The same pages. Raises BadReply for a page that repeats known ids only, and after MAX_PAGES pages."""
    seen: set[Any] = set()
    try:
        for count, page in enumerate(walk, start=first):
            ids = set(_ids(page.records))
            if ids and ids <= seen:
                raise BadReply(f"page {count} of the workflows repeats what came before", provider=PROVIDER)
            if count >= MAX_PAGES and not page.is_last:
                raise BadReply(f"the workflows have more than {MAX_PAGES} pages", provider=PROVIDER)
            seen |= ids
            yield page
    finally:
        walk.close()


def _ids(records: Iterable[msgspec.Raw]) -> Iterator[Any]:
    for record in records:
        try:
            found = msgspec.json.decode(record, type=_Numbered).id
        except msgspec.MsgspecError:
            continue
        if found is not None:
            yield found


def _run_ids(tasks: Iterable[msgspec.Raw]) -> Iterator[int]:
    for task in tasks:
        try:
            number = run_id_of(msgspec.json.decode(task, type=TaskRecord))
        except msgspec.MsgspecError:
            continue
        if number is not None:
            yield number
