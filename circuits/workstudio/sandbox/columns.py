"""The shape of the simulated installation: views, columns in wire order, status codes."""

from __future__ import annotations

ASSESSMENTS_VIEW = "{A856F956-88DF-4807-90E2-7E12C25B5B32}"
PLANNED_UNITS_VIEW = "{985AECEF-D75B-40F3-9F9B-37F21C63FF4A}"

SYNCED_STATUSES = ("ACTIV", "QC", "REWRK", "CLOSE")
OTHER_STATUSES = ("SA", "DEF")
STATUS_CODES = frozenset(
    (
        *SYNCED_STATUSES,
        *OTHER_STATUSES,
        "PERM",
        "PERMC",
        "NRS",
        "A",
        "READY",
        "WPGEN",
        "S8",
        "SZ",
        "S9",
        "CMPLT",
        "NEW",
        "PREV",
        "PTNEW",
    )
)
JOB_TYPES = frozenset({"Assessment", "Assessment Dx", "Split_Assessment", "Tandem_Assessment"})

CIRCUIT_COLUMNS = (
    "VEGJOB_SERVCOMP",
    "VEGJOB_OPCO",
    "REGION",
    "SS_READONLY",
    "WPStartDate_Assessment_Xrefs_WP_STARTDATE",
    "SS_WO",
    "SS_EXT",
    "SS_TITLE",
    "VEGJOB_CYCLETYPE",
    "SS_JOBTYPE",
    "VEGJOB_LINENAME",
    "VEGJOB_LENGTH",
    "VEGJOB_LENGTHCOMP",
    "VEGJOB_PRCENT",
    "VEGJOB_PROJACRES",
    "UNITCOUNTS_LENGTHWRK",
    "UNITCOUNTS_NUMTREES",
    "SS_EDITDATE",
    "SS_ASSIGNEDTO",
    "VEGJOB_FORESTER",
    "VEGJOB_CONTRACTOR",
    "VEGJOB_GF",
    "SS_TAKENBY",
    "VEGJOB_CIRCCOMNTS",
    "SS_ITEMTYPELIST",
    "VEGJOB_COSTMETHOD",
    "SS_JOBGUID",
    "WSREQ_READONLY",
    "WSREQ_SYNCHSTATE",
    "WSREQ_STATUS",
    "WSREQ_JOBGUID",
    "WSREQ_WO",
    "WSREQ_EXT",
    "WSREQ_JOBTYPE",
    "WSREQ_TAKEN",
    "WSREQ_TAKENBY",
    "WSREQ_BOUNDSGEOM",
    "WSREQ_SKETCHLEFT",
    "WSREQ_SKETCHTOP",
    "WSREQ_SKETCHBOTM",
    "WSREQ_SKETCHRITE",
    "WSREQ_COORDSYS",
    "WSREQ_ASSIGNEDTO",
    "WSREQ_VERSION",
    "WSREQ_SYNCHVERSN",
    "WSREQ_ESTMINS",
    "WSREQ_MINSLEFT",
    "WSREQ_TRAVELMINS",
)

UNIT_COLUMNS = (
    "VEGJOB_REGION",
    "VEGJOB_CYCLETYPE",
    "WPStartDate_Assessment_Xrefs_WP_STARTDATE",
    "SS_WO",
    "SS_EXT",
    "VEGSTAT_LINENAME",
    "LineIDLookup_FeederID",
    "STATIONS_STATNAME",
    "UNITS_DESCRIPTIO",
    "VEGUNIT_REMOVCAT",
    "VEGUNIT_FORESTER",
    "VEGUNIT_ASSDDATE",
    "VEGUNIT_PERMSTAT",
    "VEGJOB_CONTRACTOR",
    "JOBVEGETATIONUNITS_NUMTREES",
    "JOBVEGETATIONUNITS_LENGTHWRK",
    "JOBVEGETATIONUNITS_ACRES",
    "VEGSTAT_FROMSTR",
    "VEGSTAT_TOSTR",
    "VEGUNIT_UNIT",
    "VEGUNIT_AUDIT_USER",
    "VEGUNIT_AUDITOR",
    "VEGUNIT_AUDITDATE",
    "VEGUNIT_AUDIT_FAIL_HIST",
    "VEGUNIT_SPECIES",
    "SSUNITS_OBJECTID",
    "VEGUNIT_ASSNOTE",
    "VEGUNIT_PARCELCOMMENTS",
    "VEGUNIT_AUDIT_PASS",
    "VEGUNIT_UNIT_CLASS",
    "VEGUNIT_ASSLAT",
    "VEGUNIT_ASSLONG",
    "VEGUNIT_COSTMETHOD",
    "SSUNITS_GEOMETRY",
)

DUPLICATES = {
    "SS_JOBGUID": "WSREQ_JOBGUID",
    "SS_WO": "WSREQ_WO",
    "SS_EXT": "WSREQ_EXT",
    "SS_JOBTYPE": "WSREQ_JOBTYPE",
    "SS_TAKENBY": "WSREQ_TAKENBY",
    "SS_READONLY": "WSREQ_READONLY",
}
"""Columns that the view shows twice, because WSREQ is the SS row joined to itself."""

CIRCUIT_INDEX = {name: index for index, name in enumerate(CIRCUIT_COLUMNS)}
UNIT_INDEX = {name: index for index, name in enumerate(UNIT_COLUMNS)}
