"""How the server shows its columns: a renamed, reordered or shortened view must not confuse a client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from circuits.workstudio.sandbox.columns import CIRCUIT_COLUMNS, UNIT_COLUMNS
from circuits.workstudio.sandbox.values import random_stream
from integrations.sandbox import SandboxError

_CASES = ("lower", "upper")
_FIELDS = ("drop", "reorder", "case")


@dataclass(frozen=True, slots=True)
class Headings:
    """A way of showing columns.

    Attributes:
        drop: columns left out, upper case.
        reorder: mix the columns, always in the same way.
        case: ``lower``, ``upper`` or empty for the usual names.
    """

    drop: frozenset[str] = field(default_factory=frozenset)
    reorder: bool = False
    case: str = ""

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Headings:
        """Check headings as received; raises SandboxError."""
        unknown = sorted(set(document) - set(_FIELDS))
        if unknown:
            raise SandboxError(f"Unknown field {unknown[0]!r}.", fields=list(_FIELDS))
        drop, case = document.get("drop") or [], document.get("case") or ""
        columns = {name.upper() for name in (*CIRCUIT_COLUMNS, *UNIT_COLUMNS)}
        if not isinstance(drop, list) or not {str(name).upper() for name in drop} <= columns:
            raise SandboxError(f"drop must be a list of column names, not {drop!r}.", columns=sorted(columns))
        if case and case not in _CASES:
            raise SandboxError(f"case must be one of {', '.join(_CASES)}, not {case!r}.")
        reorder = document.get("reorder", False)
        if not isinstance(reorder, bool):
            raise SandboxError(f"reorder must be true or false, not {reorder!r}.")
        return cls(frozenset(str(name).upper() for name in drop), reorder, case)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as the control API takes them."""
        return {"drop": sorted(self.drop), "reorder": self.reorder, "case": self.case or None}

    def table(self, columns: Sequence[str], rows: list[list[Any]]) -> dict[str, Any]:
        """Return heading and data; a row too short for a column stays too short."""
        order = [index for index, name in enumerate(columns) if name.upper() not in self.drop]
        if self.reorder:
            random_stream(len(order)).shuffle(order)
        heading = [self._name(columns[index]) for index in order]
        if order != list(range(len(columns))):
            rows = [[row[index] for index in order if index < len(row)] for row in rows]
        return {"Heading": heading, "Data": rows}

    def _name(self, column: str) -> str:
        return {"lower": column.lower(), "upper": column.upper()}.get(self.case, column)
