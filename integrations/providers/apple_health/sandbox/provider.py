"""The simulated phone: it has no API to call, it sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from integrations.providers.apple_health.sandbox.phone import Phone
from integrations.providers.apple_health.sandbox.sender import Sending, send
from integrations.providers.apple_health.slug import PROVIDER
from integrations.sandbox.base import ProviderSandbox, SandboxError, SandboxRequest, SandboxResponse

MOST_DAYS = 366


class AppleHealthSandbox(ProviderSandbox):
    """A phone with Health Auto Export."""

    slug: ClassVar[str] = PROVIDER
    seed_options: ClassVar[Mapping[str, str]] = {
        "days": f"how many days the phone has recorded, up to {MOST_DAYS} (7)",
        "seed": "the same seed gives the same records (7)",
        "hostile": "add a point of each sort that cannot be taken (true)",
    }
    control_paths: ClassVar[Mapping[str, str]] = {
        "POST send": "post an export to `url` on this machine: kind, batches, times, megabytes, gzipped, "
        "session_id, header_key",
        "POST export": "what such a post would hold: headers and bodies",
        "POST touch": "correct so many step counts: {points: 20}",
    }

    def __init__(self) -> None:
        super().__init__()
        self._phone = Phone(days=0)

    def reset(self) -> None:
        """A new phone."""
        with self.lock:
            self._phone = Phone(days=0)

    def seed(self, **options: Any) -> dict[str, Any]:
        """Records of some days."""
        days, seed, hostile = (options.get(name) for name in ("days", "seed", "hostile"))
        if days is not None and not (isinstance(days, int) and 0 <= days <= MOST_DAYS):
            raise SandboxError(f"days is a whole number from 0 to {MOST_DAYS}.")
        with self.lock:
            self._phone = Phone(
                days=7 if days is None else days,
                seed=7 if seed is None else int(seed),
                hostile=hostile is not False,
            )
            return self._phone.describe()

    def state(self) -> dict[str, Any]:
        """What the phone has recorded."""
        with self.lock:
            return self._phone.describe()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """A phone answers nobody."""
        raise SandboxError("A phone has no API: see `POST _sim/send`.", 404)

    def control(self, request: SandboxRequest) -> SandboxResponse | None:
        """Send, show, correct."""
        call = f"{request.method} {request.path.strip('/')}"
        if call not in self.control_paths:
            return None
        options = request.json_object()
        with self.lock:
            if call == "POST touch":
                return SandboxResponse.json({"touched": self._phone.touch(int(options.get("points", 20)))})
            phone, sending = self._phone, Sending.of(options)
        if call == "POST export":
            bodies = [body.decode() for body in sending.bodies(phone)] if not sending.gzipped else []
            return SandboxResponse.json({"headers": sending.headers, "bodies": bodies})
        return SandboxResponse.json({"answers": send(phone, sending, str(options.get("url", "")))})

    def environment(self, url: str) -> dict[str, str]:
        """Nothing points at a phone."""
        return {}
