"""What ``seed`` accepts, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from circuits.workstudio.sandbox.columns import OTHER_STATUSES, STATUS_CODES, SYNCED_STATUSES
from circuits.workstudio.sandbox.people import REGIONS
from integrations.sandbox import SandboxError

STATUS_SHARES = {"ACTIV": 45, "QC": 12, "REWRK": 8, "CLOSE": 35}
OTHER_SHARE = 50
"""One job in SA and one in DEF for so many circuits, at least two of each."""

SEED_OPTIONS = {
    "circuits": "sound circuits in ACTIV, QC, REWRK and CLOSE together (2400)",
    "units": "answer the planned-units view (true)",
    "seed": "start of the random sequence; the same seed gives the same bytes (7)",
    "hostile": "add one record of each kind that cannot be taken (true)",
    "polygon_points": "average corners of a boundary polygon, 25 bytes each; 0 for none (220)",
    "circuits_per_status": "exact number of sound circuits for some statuses, for example {'CLOSE': 5000}",
    "regions": "names of the regions to spread circuits over",
}


@dataclass(frozen=True, slots=True)
class SeedOptions:
    """Checked seed options; SEED_OPTIONS explains them."""

    circuits: int = 2400
    units: bool = True
    seed: int = 7
    hostile: bool = True
    polygon_points: int = 220
    circuits_per_status: Mapping[str, int] = field(default_factory=dict)
    regions: tuple[str, ...] = REGIONS

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> SeedOptions:
        """Check options as received; raises SandboxError."""
        unknown = sorted(set(options) - set(SEED_OPTIONS))
        if unknown:
            raise SandboxError(f"Unknown seed option {unknown[0]!r}.", options=SEED_OPTIONS)
        default = cls()
        return cls(
            circuits=_count("circuits", options.get("circuits", default.circuits)),
            units=_flag("units", options.get("units", default.units)),
            seed=_count("seed", options.get("seed", default.seed)),
            hostile=_flag("hostile", options.get("hostile", default.hostile)),
            polygon_points=_count("polygon_points", options.get("polygon_points", default.polygon_points)),
            circuits_per_status=_per_status(options.get("circuits_per_status") or {}),
            regions=_regions(options.get("regions") or default.regions),
        )

    def status_counts(self) -> dict[str, int]:
        """Return how many sound circuits each status gets."""
        counts = {status: self.circuits * share // 100 for status, share in STATUS_SHARES.items()}
        counts["ACTIV"] += self.circuits - sum(counts.values())
        others = max(2, self.circuits // OTHER_SHARE) if self.circuits else 0
        counts.update(dict.fromkeys(OTHER_STATUSES, others))
        counts.update(self.circuits_per_status)
        return counts


def synced(counts: Mapping[str, int]) -> int:
    """Return how many of the counted circuits are in a status that the product asks for."""
    return sum(counts.get(status, 0) for status in SYNCED_STATUSES)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000:
        raise SandboxError(f"{name} must be a whole number from 0 to 1000000, not {value!r}.")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SandboxError(f"{name} must be true or false, not {value!r}.")
    return value


def _per_status(value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or set(value) - STATUS_CODES:
        codes = sorted(STATUS_CODES)
        raise SandboxError(
            "circuits_per_status must be an object of status codes and counts.", statuses=codes
        )
    return {status: _count(f"circuits_per_status.{status}", count) for status, count in value.items()}


def _regions(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(name, str) and name.strip() for name in value
    ):
        raise SandboxError("regions must be a list of names.")
    return tuple(value)
