"""From a row of the circuits view to the columns of Circuit: docs/workstudio.md, "Circuits"."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.conf import settings
from django.db.models import DecimalField, Field

from accounts.models import normalize_ws_username
from circuits.models import Circuit, Region, UnlinkedPlanner
from circuits.models.circuit import MAIN_EXTENSION
from circuits.statuses import ApiStatus
from circuits.workstudio import values
from circuits.workstudio.errors import WorkStudioProtocolError
from integrations.http.errors import RecordError
from integrations.sync import checks
from integrations.sync.records import Record

Reader = Callable[[Any, str], Any]
"""Turns a value of the wire into a column's; the second argument names the wire's column in errors."""

_FIELDS = {field.attname: field for field in Circuit._meta.concrete_fields}


def _text(field: Field[Any, Any]) -> Reader:
    return lambda value, source: checks.text(value, field, source)


def _decimal(column: str) -> Reader:
    field = _FIELDS[column]
    assert isinstance(field, DecimalField)  # noqa: S101
    return lambda value, source: checks.decimal(value, field, source)


def _extension(value: Any, source: str) -> str:
    return checks.text(value, _FIELDS["extension"], source) or MAIN_EXTENSION


JOB_GUID = ("SS_JOBGUID", "WSREQ_JOBGUID")

COLUMNS: dict[str, tuple[Reader, tuple[str, ...]]] = {
    "work_order": (_text(_FIELDS["work_order"]), ("SS_WO", "WSREQ_WO")),
    "extension": (_extension, ("SS_EXT", "WSREQ_EXT")),
    "title": (_text(_FIELDS["title"]), ("SS_TITLE",)),
    "line_name": (_text(_FIELDS["line_name"]), ("VEGJOB_LINENAME",)),
    "job_type": (_text(_FIELDS["job_type"]), ("SS_JOBTYPE", "WSREQ_JOBTYPE")),
    "contractor": (_text(_FIELDS["contractor"]), ("VEGJOB_CONTRACTOR",)),
    "taken_by": (_text(_FIELDS["taken_by"]), ("SS_TAKENBY", "WSREQ_TAKENBY")),
    "cycle_type": (_text(_FIELDS["cycle_type"]), ("VEGJOB_CYCLETYPE",)),
    "total_miles": (_decimal("total_miles"), ("VEGJOB_LENGTH",)),
    "miles_planned": (_decimal("miles_planned"), ("VEGJOB_LENGTHCOMP",)),
    "total_acres": (_decimal("total_acres"), ("VEGJOB_PROJACRES",)),
    "percent_complete": (_decimal("percent_complete"), ("VEGJOB_PRCENT",)),
    "start_date": (values.day, ("WPSTARTDATE_ASSESSMENT_XREFS_WP_STARTDATE",)),
    "comments": (_text(_FIELDS["comments"]), ("VEGJOB_CIRCCOMNTS",)),
    "api_modified_at": (values.moment, ("SS_EDITDATE",)),
    "ws_version": (checks.integer, ("WSREQ_VERSION",)),
    "ws_sync_version": (checks.integer, ("WSREQ_SYNCHVERSN",)),
    "region_id": (_text(Region._meta.get_field("name")), ("REGION",)),
}
"""How each column is read, and where from: the first source that is not empty wins."""

STATUS_SOURCES = ("WSREQ_STATUS", "SS_STATUS")

KEPT_AS_THEY_COME = (
    "SS_ASSIGNEDTO",
    "SS_ITEMTYPELIST",
    "SS_READONLY",
    "SS_TAKENBY",
    "UNITCOUNTS_LENGTHWRK",
    "UNITCOUNTS_NUMTREES",
    "VEGJOB_COSTMETHOD",
    "VEGJOB_FORESTER",
    "VEGJOB_GF",
    "VEGJOB_OPCO",
    "VEGJOB_SERVCOMP",
    "WSREQ_COORDSYS",
    "WSREQ_SKETCHBOTM",
    "WSREQ_SKETCHLEFT",
    "WSREQ_SKETCHRITE",
    "WSREQ_SKETCHTOP",
    "WSREQ_SYNCHVERSN",
    "WSREQ_TAKEN",
    "WSREQ_VERSION",
)
MAX_KEPT_TEXT = 2000
_LONGEST_NAME = UnlinkedPlanner._meta.get_field("ws_username_key").max_length or 0


class CircuitTransformer:
    """Maps the rows of one reply. Which columns it sets is decided by the reply's heading, not row by row.

    `requested` is the status that was asked for; it stands in where the reply has no status column.
    """

    def __init__(self, heading: Collection[str], requested: ApiStatus) -> None:
        self._requested = requested
        self._key_sources = tuple(name for name in JOB_GUID if name in heading)
        self._readers = {
            column: (read, present)
            for column, (read, names) in COLUMNS.items()
            if (present := tuple(name for name in names if name in heading))
        }
        self._status_source = next((name for name in STATUS_SOURCES if name in heading), None)
        self._kept = tuple(name for name in KEPT_AS_THEY_COME if name in heading)
        self._excluded = frozenset(map(normalize_ws_username, settings.WORKSTUDIO_PLANNER_EXCLUSIONS))
        self.columns = (*self._readers, "api_status", *(("api_data",) if self._kept else ()))

    @property
    def lacks_kept_columns(self) -> bool:
        """Whether the reply lacks a column that `api_data` usually holds."""
        return len(self._kept) < len(KEPT_AS_THEY_COME)

    def require_key(self) -> None:
        """Raise WorkStudioProtocolError when the reply has no column with the circuits' key."""
        if not self._key_sources:
            raise WorkStudioProtocolError("WorkStudio's reply has no SS_JOBGUID column, the circuits' key")

    def record(self, row: Mapping[str, Any], index: int) -> Record:
        """One row as a record. `extra` carries the region's name and the planner's username.

        Raises RecordError when the row cannot be taken.
        """
        key = self._job_guid(row)
        mapped = {
            column: read(_first_given(row, names), names[0])
            for column, (read, names) in self._readers.items()
        }
        region = mapped.pop("region_id", "")
        mapped["api_status"] = self._status(row)
        if self._kept:
            mapped["api_data"] = {name: checks.plain(row[name], name, MAX_KEPT_TEXT) for name in self._kept}
        planner = planner_username(mapped.get("taken_by", ""), self._excluded)
        return Record(key, mapped, index, extra={"region": region, "planner_username": planner})

    def _job_guid(self, row: Mapping[str, Any]) -> str:
        guid = checks.text(_first_given(row, self._key_sources), _FIELDS["job_guid"], "SS_JOBGUID")
        if not guid:
            raise RecordError("the row has no SS_JOBGUID, its key", code="missing_key", field="SS_JOBGUID")
        return guid

    def _status(self, row: Mapping[str, Any]) -> str:
        raw = row[self._status_source] if self._status_source else None
        return checks.text(raw, _FIELDS["api_status"], "WSREQ_STATUS") or self._requested.value


def planner_username(taken_by: str, excluded: Collection[str] = ()) -> str:
    """The planner's WorkStudio name, from who has the job checked out; empty when that is no `DOMAIN\\user`.

    `excluded` holds normalized names that count as nobody.
    """
    name = taken_by.strip()
    domain, _, user = name.partition("\\")
    key = normalize_ws_username(name)
    is_planner = domain.strip() and user.strip() and len(key) <= _LONGEST_NAME and key not in excluded
    return name if is_planner else ""


def _first_given(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row[name] not in (None, "")), None)
