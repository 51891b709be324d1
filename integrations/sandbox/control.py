"""The control API of one provider's sandbox, under ``/<slug>/_sim/``."""

from __future__ import annotations

from collections.abc import Callable

from integrations.sandbox.base import SandboxError, SandboxRequest, SandboxResponse
from integrations.sandbox.exchange import Mount, error_response

CONTROL_PATHS = {
    "GET state": "what the data set holds, and the traffic so far",
    "POST reset": "back to an empty sandbox: no data, faults, journal or changed settings",
    "POST seed": "replace the data by a generated set; JSON options",
    "GET journal": "calls received, newest last; ?limit=",
    "DELETE journal": "forget the calls and restart the peak",
    "GET faults": "faults waiting, and how often each kind was applied",
    "POST faults": "queue one fault or a list",
    "DELETE faults": "delete all faults, or one with ?id=",
}


class ControlApi:
    """Answers the calls that set up and inspect a sandbox; they are never faulted nor in the journal."""

    def __init__(self, mount: Mount) -> None:
        self._mount = mount
        self._routes: dict[str, Callable[[SandboxRequest], SandboxResponse]] = {
            "GET state": self._state,
            "POST reset": self._reset,
            "POST seed": self._seed,
            "GET journal": self._journal,
            "DELETE journal": self._forget,
            "GET faults": self._faults,
            "POST faults": self._add_faults,
            "DELETE faults": self._delete_faults,
        }

    def paths(self) -> dict[str, str]:
        """Return every control call, the provider's own included, with its explanation."""
        return {**CONTROL_PATHS, **self._mount.sandbox.control_paths}

    def answer(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one control call, ``request.path`` being below ``_sim``."""
        try:
            return self._answer(request)
        except SandboxError as error:
            return error_response(error)

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        name = request.path.strip("/")
        if not name and request.method in ("GET", "HEAD"):
            return SandboxResponse.json({"provider": self._mount.sandbox.slug, "control": self.paths()})
        route = self._routes.get(f"{request.method} {name}")
        response = route(request) if route else self._mount.sandbox.control(request)
        if response is not None:
            return response
        allowed = [path.split()[0] for path in self.paths() if path.split()[1] == name]
        if allowed:
            raise SandboxError(f"{request.method} is not possible on {name}.", 405, allowed=allowed)
        raise SandboxError(f"There is no control call {name!r}.", 404, control=self.paths())

    def _state(self, request: SandboxRequest) -> SandboxResponse:
        waiting = len(self._mount.faults.snapshot()["faults"])
        traffic = {**self._mount.journal.counts(), "faults_waiting": waiting}
        return SandboxResponse.json({**self._mount.sandbox.state(), "traffic": traffic})

    def _reset(self, request: SandboxRequest) -> SandboxResponse:
        self._mount.sandbox.reset()
        self._mount.faults.clear(forget=True)
        self._mount.journal.clear()
        return SandboxResponse.json({"reset": True})

    def _seed(self, request: SandboxRequest) -> SandboxResponse:
        options = request.json_object()
        valid = self._mount.sandbox.seed_options
        unknown = sorted(set(options) - set(valid))
        if unknown:
            raise SandboxError(f"Unknown seed option {unknown[0]!r}.", options=dict(valid))
        return SandboxResponse.json(self._mount.sandbox.seed(**options))

    def _journal(self, request: SandboxRequest) -> SandboxResponse:
        limit = request.parameter("limit")
        if limit and not limit.isdecimal():
            raise SandboxError(f"limit must be a whole number, not {limit!r}.")
        return SandboxResponse.json(self._mount.journal.snapshot(int(limit) if limit else None))

    def _forget(self, request: SandboxRequest) -> SandboxResponse:
        self._mount.journal.clear()
        return SandboxResponse.json({"cleared": True})

    def _faults(self, request: SandboxRequest) -> SandboxResponse:
        return SandboxResponse.json(self._mount.faults.snapshot())

    def _add_faults(self, request: SandboxRequest) -> SandboxResponse:
        return SandboxResponse.json({"faults": self._mount.faults.add(request.json())}, 201)

    def _delete_faults(self, request: SandboxRequest) -> SandboxResponse:
        number = request.parameter("id")
        if not number:
            return SandboxResponse.json({"deleted": self._mount.faults.clear()})
        if not number.isdecimal() or not self._mount.faults.remove(int(number)):
            raise SandboxError(f"There is no fault with the id {number!r} in the queue.", 404)
        return SandboxResponse.json({"deleted": 1})
