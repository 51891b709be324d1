"""What ``seed`` accepts, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from integrations.sandbox import SandboxError

SEED_OPTIONS = {
    "customers": "sound customers of each tenant (300)",
    "invoices": "sound invoices of each tenant (300)",
    "tenants": "tenants, each with a client in both environments (2)",
    "hostile": "add the records that cannot be taken to the first tenant (true)",
    "titan_seed": "start of the random sequence; the same seed gives the same records (7)",
}


@dataclass(frozen=True, slots=True)
class SeedOptions:
    """Checked seed options; SEED_OPTIONS explains them."""

    customers: int = 300
    invoices: int = 300
    tenants: int = 2
    hostile: bool = True
    titan_seed: int = 7

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Self:
        """Check options as received; raises SandboxError."""
        unknown = sorted(set(options) - set(SEED_OPTIONS))
        if unknown:
            raise SandboxError(f"Unknown seed option {unknown[0]!r}.", options=SEED_OPTIONS)
        for name, value in options.items():
            if name == "hostile":
                if not isinstance(value, bool):
                    raise SandboxError(f"hostile must be true or false, not {value!r}.")
            elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000:
                raise SandboxError(f"{name} must be a whole number from 0 to 1000000, not {value!r}.")
        return cls(**options)
