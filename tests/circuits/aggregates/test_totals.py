"""From planned units to numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from circuits.aggregates.totals import UnitBook, totals
from circuits.aggregates.units import COLUMNS, read_units
from circuits.lookup_rows import unit_types
from circuits.models import UnitType
from circuits.models.unit_type import MEASUREMENT_OF
from circuits.workstudio.errors import WorkStudioProtocolError
from circuits.workstudio.table import DDOTable, read_table
from tests.circuits.conftest import sample

pytestmark = pytest.mark.django_db


def table(*rows: dict[str, Any], heading: tuple[str, ...] = COLUMNS) -> DDOTable:
    defaults: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    data = [[(defaults | row)[name] for name in heading] for row in rows]
    return read_table(json.dumps({"DataSet": {"Heading": heading, "Data": data}}).encode())


def test_the_sample_s_numbers() -> None:
    units, refused = read_units(read_table(json.dumps(sample("planned_units")).encode()))
    book = UnitBook.read()
    book.note_unknown(units)
    assert refused == []
    assert dict(book.unknown) == {"XNEW9": 1}
    assert totals(units, book.measured_in) == {
        "total_units": 6,
        "total_linear_ft": Decimal("212.50"),
        "total_acres": Decimal("0.1715"),
        "total_trees": 4,
        "units_approved": 1,
        "units_refused": 1,
        "units_pending": 3,
        "permission_counts": {"Approved": 1, "No Contact": 1, "Pending": 3, "Refused": 1},
        "unit_counts_by_type": {"SPM": 1, "HCB": 1, "REM1218": 1, "HERBNA": 1, "ASH1824": 1, "XNEW9": 1},
        "linear_ft_by_type": {"SPM": 212.5},
        "acres_by_type": {"HCB": 0.1375, "HERBNA": 0.034},
        "planner_distribution": {
            "Morgan Vance": {"unit_count": 3, "linear_ft": 212.5, "acres": 0.1715, "trees": 0},
            "Sam Okafor": {"unit_count": 1, "linear_ft": 0.0, "acres": 0.0, "trees": 3},
            "Unknown": {"unit_count": 2, "linear_ft": 88.0, "acres": 0.0, "trees": 1},
        },
    }


def test_no_notes_nor_positions_are_in_the_numbers() -> None:
    units, _ = read_units(read_table(json.dumps(sample("planned_units")).encode()))
    told = json.dumps(totals(units, UnitBook.read().measured_in), default=str) + repr(units)
    for private in ("owner", "lilac", "Nötig", "coordinates", "47.1"):
        assert private not in told


@pytest.mark.parametrize(
    ("wire", "name", "counter"),
    [
        ("", "Pending", "units_pending"),
        (None, "Pending", "units_pending"),
        (" PENDING ", "Pending", "units_pending"),
        ("approved", "Approved", "units_approved"),
        ("Refused ", "Refused", "units_refused"),
        ("no contact", "No Contact", None),
        ("Deferred", "Deferred", None),
        ("ppl approved", "PPL Approved", None),
        ("N/A", "N/A", None),
        ("Something New", "Something New", None),
    ],
)
def test_permissions(wire: str | None, name: str, counter: str | None) -> None:
    units, _ = read_units(table({"VEGUNIT_PERMSTAT": wire}))
    numbers = totals(units, {})
    assert numbers["permission_counts"] == {name: 1}
    counters = {key: numbers[key] for key in ("units_approved", "units_refused", "units_pending")}
    assert counters == dict.fromkeys(counters, 0) | ({counter: 1} if counter else {})


def test_a_measure_counts_only_where_the_code_is_measured_so() -> None:
    cells = {
        "JOBVEGETATIONUNITS_LENGTHWRK": 10,
        "JOBVEGETATIONUNITS_ACRES": "0.25",
        "JOBVEGETATIONUNITS_NUMTREES": 3,
    }
    codes = ("SPM", "HCB", "REM612", "spm", "NW", "")
    units, _ = read_units(table(*({"VEGUNIT_UNIT": code, **cells} for code in codes)))
    book = UnitBook.read()
    book.note_unknown(units)
    numbers = totals(units, book.measured_in)
    measured = [numbers[name] for name in ("total_linear_ft", "total_acres", "total_trees")]
    assert measured == [10, Decimal("0.25"), 3]
    assert numbers["total_units"] == 6
    assert dict(book.unknown) == {"spm": 1, "Unknown": 1}


def test_a_unit_that_cannot_be_read_is_refused_and_the_others_count() -> None:
    units, refused = read_units(
        table(
            {"VEGUNIT_UNIT": "SPM"},
            {"VEGUNIT_UNIT": {"a": 1}},
            {"JOBVEGETATIONUNITS_LENGTHWRK": -1},
            {"JOBVEGETATIONUNITS_ACRES": [1]},
        )
    )
    assert len(units) == 1
    assert [(one.index, one.error.code) for one in refused] == [
        (1, "wrong_type"),
        (2, "out_of_range"),
        (3, "wrong_type"),
    ]


def test_a_view_without_a_needed_column_is_refused_as_a_whole() -> None:
    lacking = tuple(name for name in COLUMNS if name not in ("VEGUNIT_UNIT", "SS_EXT"))
    with pytest.raises(WorkStudioProtocolError, match="SS_EXT, VEGUNIT_UNIT"):
        read_units(table({}, heading=lacking))
    assert read_units(table(heading=lacking)) == ([], [])


def test_every_installation_starts_with_the_42_codes() -> None:
    assert UnitType.objects.count() == len(unit_types()) == 42
    by_category = {
        category: UnitType.objects.filter(category=category).count() for category in MEASUREMENT_OF
    }
    assert list(by_category.values()) == [15, 9, 15, 2, 1]
    for unit_type in UnitType.objects.all():
        assert MEASUREMENT_OF[unit_type.category] == unit_type.measurement_type  # type: ignore[index]
    thick = UnitType.objects.get(code="REM>30")
    assert (thick.dbh_min, thick.dbh_max) == (Decimal("30.1"), None)
