"""The look-up rows that every installation starts with; they may be changed, and are not put back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

REGIONS = (("North Fork", "NF"), ("River Bend", "RB"), ("South Mesa", "SM"), ("Lakeside", "LS"))

STATUS_CONFIGS = (
    ("ACTIV", "In progress", "daily", True),
    ("QC", "Quality control", "weekly", True),
    ("REWRK", "Rework", "weekly", True),
    ("CLOSE", "Closed", "weekly", False),
)

UNIT_CODES = {
    "VLG": "SPM SPB SPE MPM MPB MPE MPME MPBE MST OHT SIDET SOHT STB STM TTS",
    "VAR": "HCB BRUSH BRUSHTRIM MOW HERBNA HERBA HERBS Herb-Sub T&M",
    "VCT": "REM612 REM1218 REM1824 REM2430 REM3036 REM36 REM>30 ASH612 ASH1218 ASH1824 ASH2430 ASH3036 ASH36 "
    "BTR VPS",
    "VNW": "NW NOT",
    "VSA": "SENSI",
}

UNIT_NAMES = {
    "SPM": "Single phase, manual",
    "SPB": "Single phase, bucket",
    "MPM": "Multi phase, manual",
    "MPB": "Multi phase, bucket",
    "OHT": "Overhang trim",
    "SIDET": "Side trim",
    "HCB": "Hand cut brush",
    "BRUSHTRIM": "Brush with trim",
    "HERBNA": "Herbicide, not aquatic",
    "HERBA": "Herbicide, aquatic",
    "Herb-Sub": "Herbicide, substation",
    "T&M": "Time and material",
    "VPS": "Vine pole service",
    "NW": "No work",
    "SENSI": "Sensitive area",
}

DIAMETERS: dict[str, tuple[str, str | None]] = {
    "612": ("6.1", "12"),
    "1218": ("12.1", "18"),
    "1824": ("18.1", "24"),
    "2430": ("24.1", "30"),
    "3036": ("30.1", "36"),
    "36": ("36.1", None),
    ">30": ("30.1", None),
}
"""The end of a removal's code, and the trunk diameters in inches that it stands for."""


def unit_types() -> list[dict[str, Any]]:
    """The columns of every known unit type, in the order in which they are shown."""
    known = [(category, code) for category, codes in UNIT_CODES.items() for code in codes.split()]
    return [{"sort_order": order, **_unit_type(*one)} for order, one in enumerate(known, start=1)]


def _unit_type(category: str, code: str) -> dict[str, Any]:
    is_removal = code.startswith(("REM", "ASH"))
    low, high = DIAMETERS[code[3:]] if is_removal else (None, None)
    name = UNIT_NAMES.get(code, code)
    if is_removal:
        what = "Ash removal" if code.startswith("ASH") else "Removal"
        name = f"{what}, {low} to {high} in" if high else f"{what}, over {low} in"
    measured = {"VLG": "linear_ft", "VAR": "acres", "VCT": "trees"}
    return {
        "code": code,
        "name": name,
        "category": category,
        "measurement_type": measured.get(category, "none"),
        "dbh_min": Decimal(low) if low else None,
        "dbh_max": Decimal(high) if high else None,
        "species": "Ash" if code.startswith("ASH") else "",
    }
