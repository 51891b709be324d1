"""The diary's API: entries in pages, a history that is read backwards, a bearer token."""

from __future__ import annotations

from typing import Any

from integrations.sandbox import ProviderSandbox, SandboxError, SandboxRequest, SandboxResponse

SLUG = "diary"
TOKEN = "diary-token-0123456789"


def entry(number: int, **changes: Any) -> dict[str, Any]:
    """An entry as the vendor sends it. `score` counts whole points or fractions of them."""
    return {
        "id": number,
        "at": f"2026-03-{1 + number % 28:02}T08:{number % 60:02}:00Z",
        "mood": "fine",
        "score": number,
        "place": {"id": f"place-{number % 5}", "name": f"Place {number % 5}"},
        "tags": ["one", "two"],
        **changes,
    }


class DiarySandbox(ProviderSandbox):
    """Serves entries: those `after` one for polls, and the history `before` one, newest first."""

    slug = SLUG

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """No entries."""
        self.entries: dict[int, dict[str, Any]] = {}
        self.history: dict[int, dict[str, Any]] = {}

    def seed(self, **options: Any) -> dict[str, Any]:
        """Hold so many plain entries."""
        self.hold(*(entry(number) for number in range(1, options.get("entries", 10) + 1)))
        return self.state()

    def hold(self, *entries: dict[str, Any]) -> None:
        """Hold these besides the others; the same id again replaces one."""
        with self.lock:
            self.entries |= {each["id"]: each for each in entries}

    def state(self) -> dict[str, Any]:
        """How many entries."""
        return {"entries": len(self.entries), "history": len(self.history)}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """One page."""
        if request.header("Authorization") != f"Bearer {TOKEN}":
            raise SandboxError("The token is not valid.", 401)
        limit = int(request.parameter("limit", "100"))
        with self.lock:
            if request.path == "/entries":
                after = int(request.parameter("after", "0"))
                found = [self.entries[number] for number in sorted(self.entries) if number > after]
            elif request.path == "/history":
                before = int(request.parameter("before", "0"))
                found = [self.history[n] for n in sorted(self.history, reverse=True) if n < before]
            else:
                raise SandboxError("There is no such page.", 404)
        return SandboxResponse.json({"entries": found[:limit], "more": len(found) > limit})
