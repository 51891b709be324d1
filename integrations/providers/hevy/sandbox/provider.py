"""The simulated Hevy: one person's workouts behind an API key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from integrations.providers.hevy.sandbox.data import Row, iso, workout
from integrations.sandbox import ProviderSandbox, SandboxError, SandboxRequest, SandboxResponse

API_KEY = "5b1e7d2c-0000-4000-8000-00000000f00d"
MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE = 10, 5
USER = {"id": "user-5b1e7d2c", "name": "sam_lifts", "url": "https://hevy.com/user/sam_lifts"}


class HevySandbox(ProviderSandbox):
    """Hevy's user, workouts and feed of events."""

    slug = "hevy"
    seed_options: ClassVar[Mapping[str, str]] = {"workouts": "how many workouts (23)"}
    control_paths: ClassVar[Mapping[str, str]] = {
        "POST workouts": 'insert or change workouts: [{"id", "title", ...}]; {"number": 24} generates one',
        "POST delete": 'delete workouts: {"ids": [...]}',
        "POST between_pages": 'after a page was read, generate a workout: {"after_page": 1, "number": 24}',
        "POST key": 'ask for another API key: {"key": "..."}',
    }

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """No workouts, and the first key."""
        with self.lock:
            self.key = API_KEY
            self.workouts: dict[str, Row] = {}
            self.deleted: dict[str, str] = {}
            self._later: list[tuple[int, int]] = []

    def seed(self, **options: Any) -> dict[str, Any]:
        """Hold so many generated workouts. Raises SandboxError."""
        count = options.get("workouts", 23)
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 100_000:
            raise SandboxError(f"workouts must be a whole number from 0 to 100000, not {count!r}.")
        with self.lock:
            self.workouts = {row["id"]: row for row in map(workout, range(1, count + 1))}
            self.deleted = {}
            return self.state()

    def state(self) -> dict[str, Any]:
        """How much it holds."""
        return {"workouts": len(self.workouts), "deleted": len(self.deleted)}

    def put(self, row: Row) -> None:
        """Insert or change a workout."""
        with self.lock:
            self.workouts[row["id"]] = {**self.workouts.get(row["id"], {}), **row}
            self.deleted.pop(row["id"], None)

    def delete(self, number: str, at: datetime) -> None:
        """Delete a workout, as the feed tells of it."""
        with self.lock:
            self.workouts.pop(number, None)
            self.deleted[number] = iso(at)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one call."""
        with self.lock:
            if request.header("api-key") != self.key:
                return SandboxResponse.json({"error": "Invalid API key"}, 401)
            if request.path == "/v1/user/info":
                return SandboxResponse.json({"data": USER})
            if request.path == "/v1/workouts/count":
                return SandboxResponse.json({"workout_count": len(self.workouts)})
            if request.path == "/v1/workouts":
                rows = sorted(self.workouts.values(), key=lambda row: row["start_time"], reverse=True)
                return self._page(request, "workouts", rows)
            if request.path == "/v1/workouts/events":
                return self._page(request, "events", self._events(request.parameter("since")))
            return SandboxResponse.json({"error": "Not found"}, 404)

    def control(self, request: SandboxRequest) -> SandboxResponse | None:
        """Answer what ``control_paths`` lists."""
        name = request.path.strip("/")
        if f"{request.method} {name}" not in self.control_paths:
            return None
        document = request.json()
        with self.lock:
            if name == "workouts":
                for row in document if isinstance(document, list) else [document]:
                    self.put(workout(row["number"]) if "number" in row else row)
            elif name == "delete":
                for number in document.get("ids", []):
                    self.delete(number, datetime.now(UTC))
            elif name == "between_pages":
                self._later.append((int(document["after_page"]), int(document["number"])))
            else:
                self.key = str(document["key"])
        return SandboxResponse.json({"done": name})

    def auth_state(self, request: SandboxRequest) -> str:
        """Judge the key."""
        given = request.header("api-key")
        return "valid" if given == self.key else "invalid" if given else "missing"

    def describe(self, request: SandboxRequest) -> dict[str, Any]:
        """Page and since."""
        return {name: value for name in ("page", "since") if (value := request.parameter(name))}

    def _events(self, since: str) -> list[Row]:
        """What changed, the newest first."""
        events: list[tuple[str, Row]] = [
            (row["updated_at"], {"type": "updated", "workout": row}) for row in self.workouts.values()
        ]
        events += [
            (at, {"type": "deleted", "id": number, "deleted_at": at}) for number, at in self.deleted.items()
        ]
        start = datetime.fromisoformat(since or "1970-01-01T00:00:00Z")
        recent = [each for each in events if datetime.fromisoformat(each[0]) >= start]
        return [event for _, event in sorted(recent, key=lambda each: each[0], reverse=True)]

    def _page(self, request: SandboxRequest, name: str, rows: list[Row]) -> SandboxResponse:
        page, size = (
            int(request.parameter(key) or default) if (request.parameter(key) or "1").isdecimal() else 0
            for key, default in (("page", 1), ("pageSize", DEFAULT_PAGE_SIZE))
        )
        if page < 1 or not 1 <= size <= MAX_PAGE_SIZE:
            return SandboxResponse.json({"error": "Invalid page or pageSize"}, 400)
        count = -(-len(rows) // size)
        body = {"page": page, "page_count": count, name: rows[(page - 1) * size : page * size]}
        for event in [event for event in self._later if event[0] == page]:
            self._later.remove(event)
            now = iso(datetime.now(UTC))
            self.put(workout(event[1], created_at=now, updated_at=now))
        return SandboxResponse.json(body)
