"""Records that no client can take, one of each kind, so that tests know exactly what must be refused."""

from __future__ import annotations

from circuits.workstudio.sandbox.columns import CIRCUIT_INDEX
from circuits.workstudio.sandbox.records import CircuitRecord

HOSTILE_STATUSES = {
    "short_row": "ACTIV",
    "missing_job_guid": "ACTIV",
    "long_work_order": "QC",
    "title_not_text": "REWRK",
    "nul_in_title": "CLOSE",
}
"""Kind of hostile record to the status in which it arrives."""

LONG_WORK_ORDER = "2026-WORK-ORDER-NUMBER-THAT-IS-FAR-LONGER-THAN-FORTY"


def spoil(record: CircuitRecord, kind: str) -> CircuitRecord:
    """Make a sound record one of the hostile kinds.

    Args:
        record: changed in place.
        kind: a key of HOSTILE_STATUSES.
    """
    record.set("WSREQ_STATUS", HOSTILE_STATUSES[kind])
    if kind == "short_row":
        del record.row[CIRCUIT_INDEX["WSREQ_ESTMINS"] :]
    elif kind == "missing_job_guid":
        record.set("SS_JOBGUID", None)
        record.set("WSREQ_JOBGUID", "")
    elif kind == "long_work_order":
        record.set("SS_WO", LONG_WORK_ORDER)
        record.set("WSREQ_WO", LONG_WORK_ORDER)
    elif kind == "title_not_text":
        record.set("SS_TITLE", {"text": record.get("SS_TITLE"), "language": "en"})
    elif kind == "nul_in_title":
        record.set("SS_TITLE", "BROKEN\x00TITLE 12 KV 99-99 LINE")
    return record
