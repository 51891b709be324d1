"""What the data set holds, counted, so that tests and demos can say exactly what a sync must find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from circuits.workstudio.sandbox.columns import SYNCED_STATUSES
from circuits.workstudio.sandbox.people import PLANNERS
from circuits.workstudio.sandbox.records import CircuitRecord
from circuits.workstudio.sandbox.values import NO_DATE

_PLANNER_NAMES = {planner.username.casefold(): planner.username for planner in PLANNERS}


def describe(records: list[CircuitRecord]) -> dict[str, Any]:
    """Count the records; most keys count sound circuits in the four synced statuses.

    ``rows`` counts all, ``by_status`` sound circuits in every status, ``hostile`` what cannot be taken.
    """
    marked = [(record, record.hostile) for record in records]
    hostile = [(record, kind) for record, kind in marked if kind]
    sound = [record for record, kind in marked if not kind]
    synced = [record for record in sound if record.status in SYNCED_STATUSES]
    return {
        "circuits": len(synced),
        "rows": len(records),
        "by_status": _counted(record.status for record in sound),
        "by_region": _counted(record.region_name for record in synced),
        "hostile": {
            "total": len(hostile),
            "by_kind": _counted(kind for _, kind in hostile),
            "by_status": _counted(record.status for record, _ in hostile),
        },
        **_families(synced),
        **_takers(synced),
        **_oddities(synced),
    }


def _families(synced: list[CircuitRecord]) -> dict[str, int]:
    parents = {record.get("SS_WO") for record in synced if record.extension == "@"}
    splits = [record.get("SS_WO") for record in synced if record.extension != "@"]
    return {
        "work_orders": len({record.get("SS_WO") for record in synced}),
        "split_families": len(set(splits)),
        "splits": len(splits),
        "splits_without_parent": sum(work_order not in parents for work_order in splits),
    }


def _takers(synced: list[CircuitRecord]) -> dict[str, Any]:
    takers = [
        taker for record in synced if isinstance(taker := record.get("SS_TAKENBY"), str) and taker.strip()
    ]
    planners = [name for name in takers if all(part.strip() for part in name.split("\\", 1)) and "\\" in name]
    return {
        "taken": len(takers),
        "taken_by_planners": len(planners),
        "taken_without_domain": len(takers) - len(planners),
        "planners": _counted(_PLANNER_NAMES.get(name.casefold(), name) for name in planners),
    }


def _oddities(synced: list[CircuitRecord]) -> dict[str, int]:
    starts = [record.get("WPStartDate_Assessment_Xrefs_WP_STARTDATE") for record in synced]
    return {
        "no_start_date": sum(start in (None, "", NO_DATE) for start in starts),
        "no_edit_date": sum(record.get("SS_EDITDATE") is None for record in synced),
        "no_region": sum(not record.region_name for record in synced),
        "unicode_titles": sum(not str(record.get("SS_TITLE")).isascii() for record in synced),
        "multiline_comments": sum("\n" in str(record.get("VEGJOB_CIRCCOMNTS")) for record in synced),
    }


def _counted(values: Iterable[Any]) -> dict[str, int]:
    return dict(sorted(Counter(str(value) for value in values).items()))
