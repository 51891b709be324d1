"""A tiny stream of titles into circuits, and runs to write it under."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from accounts.models import Account
from circuits.models import Circuit
from integrations.http.errors import RecordError
from integrations.sync import checks
from integrations.sync.records import Record
from integrations.sync.stream import Stream
from synclogs.models import SyncLog

TITLE = Circuit._meta.get_field("title")


class Titles(Stream):
    """Records of (key, title); the title "bad" cannot be taken."""

    name = "titles"
    model = Circuit
    key = "job_guid"
    stamped_on_change = ("last_synced_at", "updated_at")
    restored_by_clearing = "deleted_at"

    def parse(self, raw: Any, index: int) -> Record:
        key, title = raw
        if title == "bad":
            raise RecordError("it is bad", code="bad", field="title")
        return Record(key, {"title": checks.text(title, TITLE, "title")}, index)

    def columns(self) -> Sequence[str]:
        return ("title",)

    def source_id(self, raw: Any) -> str:
        return str(raw[0])

    def excerpt(self, raw: Any) -> str:
        return f"title={raw[1]!r} password=hunter2hunter2"


NewRun = Callable[[], SyncLog]


@pytest.fixture
def new_run(db: None) -> NewRun:
    """Opens a run."""

    def start() -> SyncLog:
        return SyncLog.start("titles", account=Account.objects.platform(), owner_token="mine")

    return start


def titles() -> dict[str, str]:
    """What is stored: title by key."""
    return dict(Circuit.objects.values_list("job_guid", "title"))
