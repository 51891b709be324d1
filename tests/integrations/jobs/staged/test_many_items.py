"""Five thousand items: fifty chunks, the same rows as in one pass; and how items are cut into chunks."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from integrations.models import Block, Event, EventObject, Integration, RawPayload
from integrations.sync.chunks import canonical, halves, split
from synclogs.models import Job, SyncLog
from tests.diary.client import DiaryClient
from tests.diary.jobs import DiaryEntryData, DiaryEntryPull
from tests.diary.sandbox import DiarySandbox
from tests.integrations.jobs.staged.conftest import run, run_waiting

ITEMS = 5000


def rows() -> list[Any]:
    """What is stored, without when and by which run."""
    volatile = {"created_at", "updated_at", "received_at", "last_run_id"}
    return [
        {name: value for name, value in row.items() if name not in volatile}
        for model in (EventObject, Event, Block)
        for row in model.objects.order_by("pk").values()
    ]


@pytest.mark.django_db
def test_five_thousand_items_are_fifty_chunks_and_the_same_rows(
    diary: Integration, vendor: DiarySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.seed(entries=ITEMS)
    honest = DiaryClient.entries
    monkeypatch.setattr(DiaryClient, "entries", lambda self, after: honest(self, after, limit=ITEMS))
    run(DiaryEntryPull.dispatch(diary))
    assert list(RawPayload.objects.values_list("item_count", flat=True)) == [100] * 50
    assert Job.objects.filter(name=DiaryEntryData.name).count() == 50
    assert set(run_waiting()) == {"succeed"}
    assert SyncLog.objects.get().records_created == ITEMS
    in_chunks = rows()
    for model in (Block, Event, EventObject):
        model.objects.all().delete()
    monkeypatch.setattr(DiaryEntryPull, "CHUNK_MAX_ITEMS", ITEMS)
    monkeypatch.setattr(DiaryEntryPull, "CHUNK_MAX_BYTES", 10**9)
    run(DiaryEntryPull.dispatch(diary, args={"since": "2020-01-01T00:00:00Z"}))
    assert RawPayload.objects.latest("received_at").item_count == ITEMS
    assert run_waiting() == ["succeed"]
    assert rows() == in_chunks


def sizes(items: list[Any], **limits: Any) -> list[int]:
    return [chunk.item_count for chunk in split(items, **limits)]


def test_chunks_have_limits_of_items_and_bytes() -> None:
    assert sizes(list(range(250))) == [100, 100, 50]
    assert sizes([]) == []
    assert sizes(["x" * 98] * 5, max_bytes=2 + 2 * 101) == [2, 2, 1]
    assert sizes(["a", "x" * 1000, "b"], max_bytes=100) == [1, 1, 1]
    for chunk in split(["é" * 100] * 50, max_bytes=1000):
        assert chunk.byte_size == len(chunk.body.encode()) <= 1000


def test_items_that_belong_together_are_never_parted() -> None:
    items = [{"night": n % 3, "n": n} for n in range(9)]
    chunks = list(split(items, max_items=4, together=lambda item: str(item["night"])))
    assert [[each["night"] for each in orjson.loads(chunk.body)] for chunk in chunks] == [
        [0] * 3,
        [1] * 3,
        [2] * 3,
    ]
    assert len(halves(items, lambda item: "the same")) == 1
    assert [chunk.item_count for chunk in halves(items, lambda item: str(item["night"]))] == [3, 6]


def test_canonical_json_is_the_same_for_the_same_values() -> None:
    assert (
        canonical({"b": 1, "a": [1.5, None]})
        == canonical({"a": [1.5, None], "b": 1})
        == b'{"a":[1.5,null],"b":1}'
    )
    assert orjson.loads(canonical({"n": 2**60})) == {"n": 2**60}
    assert canonical({"n": 2**70}) == b'{"n":1180591620717411303424}'
    assert canonical("half \ud83d") == b'"half \\ud83d"'
