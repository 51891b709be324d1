"""What surrounds the rows of a reply, the parts included that a client must not keep."""

from __future__ import annotations

from circuits.workstudio.sandbox.columns import JOB_TYPES
from circuits.workstudio.sandbox.values import encode

_COLUMN_GROUPS = {
    "assessments": {"Guid": "{D1B7A3C0-6F42-4E58-9A0D-2C3E4F506172}", "Caption": "Assessments (sandbox)"},
    "planned_units": {"Guid": "{7E0A44B9-3C15-4D2F-8B60-5A9C1D7E2F38}", "Caption": "Planned Units (sandbox)"},
}


def wrap(table: bytes, view: str, filter_name: str, value: str, username: str) -> bytes:
    """Put an encoded table into the reply's envelope.

    Args:
        table: heading and data as JSON.
        view: ``assessments`` or ``planned_units``.
        filter_name: the filter that was asked for.
        value: its value.
        username: who asked; the server's SQL tells it.
    """
    sql = (
        _assessments_sql(filter_name, value, username)
        if view == "assessments"
        else _units_sql(value, username)
    )
    group = {**_COLUMN_GROUPS[view], "_ClassName": "TColumnGroup", "ColumnList": [], "Version": 0}
    tail = b',"SQL":' + encode(sql) + b',"ColumnGroup":' + encode(group) + b"}"
    return b'{"Protocol":"DATASET","DataSet":' + table + tail


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _assessments_sql(filter_name: str, value: str, username: str) -> str:
    column = "WSREQSS.STATUS" if filter_name == "By Job Status" else "SS.WO"
    types = ", ".join(map(_quoted, sorted(JOB_TYPES)))
    return " ".join(
        (
            "select VEGJOB.SERVCOMP, VEGJOB.OPCO, VEGJOB.REGION, SS.WO, SS.EXT, SS.TITLE from [SS]",
            "inner join [VEGJOB] on VEGJOB.JOBGUID = SS.JOBGUID",
            "inner join [SS] WSREQSS on WSREQSS.JOBGUID = SS.JOBGUID",
            "left outer join [UNITCOUNTS] on UNITCOUNTS.JOBGUID = SS.JOBGUID",
            "where VEGJOB.REGION in (select RESOURCEGROUP from [USERGROUPS]",
            f"where USERNAME = {_quoted(username)}) AND SS.JOBTYPE in ({types})",
            f"AND {column} = {_quoted(value)} order by SS.EDITDATE DESC, SS.WO DESC, SS.EXT DESC",
        )
    )


def _units_sql(value: str, username: str) -> str:
    return " ".join(
        (
            f"/* {username.replace('*/', '')} */",
            "select VEGJOB.REGION, SS.WO, SS.EXT, VEGUNIT.UNIT from [SS]",
            "inner join [VEGUNIT] on VEGUNIT.JOBGUID = SS.JOBGUID",
            "inner join [UNITS] on UNITS.UNIT = VEGUNIT.UNIT",
            "inner join [JOBVEGETATIONUNITS] on JOBVEGETATIONUNITS.JOBGUID = SS.JOBGUID",
            "where SS.EXT = '@' AND UNITS.CATEGORY in ('VCT', 'VAR', 'VLG')",
            f"AND SS.WO = {_quoted(value)} order by VEGUNIT.ASSDDATE Asc",
        )
    )
