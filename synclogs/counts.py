"""What a run did to records, as numbers that always add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

ALIAS_PREFIXES = ("records_", "circuits_")


@dataclass(slots=True)
class Counts:
    """Counts of records. `processed` is always the sum of all but `removed`, which stands beside it."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    removed: int = 0

    @property
    def processed(self) -> int:
        """How many records were looked at."""
        return self.created + self.updated + self.unchanged + self.skipped + self.failed

    @property
    def taken(self) -> int:
        """How many records now stand in the database as the vendor has them."""
        return self.created + self.updated + self.unchanged

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def as_columns(self) -> dict[str, int]:
        """The counts under the column names of SyncLog."""
        columns = {f"records_{name}": value for name, value in asdict(self).items()}
        return {"records_processed": self.processed, **columns}

    def as_dict(self) -> dict[str, int]:
        """The counts under their bare names, `processed` first."""
        return {"processed": self.processed, **asdict(self)}

    @classmethod
    def from_results(cls, results: Mapping[str, int]) -> Self:
        """Read a mapping with bare names or any alias prefix (`records_created`, `circuits_created`).

        `unchanged` is what remains of `processed` when it is not given.
        Raises ValueError when the parts exceed the total.
        """
        values: dict[str, int] = {}
        for key, value in results.items():
            for prefix in ALIAS_PREFIXES:
                key = key.removeprefix(prefix)
            values[key] = value
        known = {f.name for f in fields(cls)}
        counts = cls(**{name: value for name, value in values.items() if name in known})
        if "processed" not in values or counts.processed == values["processed"]:
            return counts
        remainder = values["processed"] - counts.processed
        if remainder < 0 or "unchanged" in values:
            raise ValueError(
                f"counts do not add up: processed is {values['processed']}, its parts are {counts.processed}"
            )
        counts.unchanged = remainder
        return counts
