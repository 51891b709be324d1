"""Replies whose values have types that the server never uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from integrations.sandbox import SandboxResponse

_AS_OBJECT = frozenset(
    {"SS_TITLE", "REGION", "SS_TAKENBY", "VEGUNIT_UNIT", "VEGUNIT_PERMSTAT", "VEGUNIT_FORESTER"}
)
_AS_LIST = frozenset({"VEGJOB_PRCENT", "JOBVEGETATIONUNITS_NUMTREES"})
_AS_NUMBER = frozenset({"SS_EDITDATE", "VEGUNIT_ASSDDATE", "SS_EXT"})


def wrong_types(response: SandboxResponse, params: Mapping[str, Any]) -> SandboxResponse:
    """Return the reply with wrong types.

    Args:
        response: what the server would have answered.
        params: ``rows``, how many rows from the top to spoil (0 all); ``envelope``, spoil the table instead.
    """
    if not response.body.startswith(b"{"):
        return response
    document = json.loads(response.body)
    table = document.get("DataSet")
    if not isinstance(table, dict):
        return SandboxResponse.json({key: {"value": value} for key, value in document.items()})
    if params.get("envelope"):
        document["DataSet"] = {"Heading": ", ".join(table["Heading"]), "Data": {"rows": len(table["Data"])}}
        return SandboxResponse.json(document)
    heading = [str(name).upper() for name in table["Heading"]]
    rows = table["Data"]
    for row in rows[: params.get("rows") or len(rows)]:
        row[:] = [_spoiled(name, value) for name, value in zip(heading, row, strict=False)]
    return SandboxResponse.json(document)


def _spoiled(name: str, value: Any) -> Any:
    if name in _AS_OBJECT:
        return {"value": value}
    if name in _AS_LIST:
        return [value]
    if name in _AS_NUMBER:
        return 12.5
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value} units"
    return value
