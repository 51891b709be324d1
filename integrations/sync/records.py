"""What passes through the writer: records that were validated, and records that were refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integrations.http.errors import RecordError


@dataclass(slots=True)
class Record:
    """A validated record: its natural key and its values by attribute name of the target model.

    `index` is its position in the vendor's reply; `extra` holds what the stream needs besides the columns;
    `changed` names the fields in which a stored row differs.
    """

    key: str
    values: dict[str, Any]
    index: int
    extra: dict[str, Any] = field(default_factory=dict)
    content_hash: str = ""
    changed: tuple[str, ...] = ()


@dataclass(slots=True)
class Refused:
    """A record that could not be taken, and why."""

    index: int
    source_id: str
    error: RecordError
    excerpt: str = ""


@dataclass(slots=True)
class Plan:
    """What one batch comes to: which records are new, changed or as they were, and the rows' primary keys.

    `skipped` earlier records of a key were replaced by a later one. When a part of a run is repeated,
    `written_before` need no write because the killed run made it, and the keys in `created_before` count as
    created because that run created them.
    """

    created: list[Record] = field(default_factory=list)
    updated: list[Record] = field(default_factory=list)
    unchanged: list[Record] = field(default_factory=list)
    written_before: list[Record] = field(default_factory=list)
    created_before: set[str] = field(default_factory=set)
    skipped: int = 0
    pks: dict[str, int] = field(default_factory=dict)

    @property
    def to_write(self) -> list[Record]:
        """The records that the merge has to write."""
        return self.created + self.updated

    @property
    def taken(self) -> list[Record]:
        """Every record that stands in the database after the merge."""
        return self.created + self.updated + self.unchanged + self.written_before
