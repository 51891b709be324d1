"""Who answers a path: a provider's API, its control API, or the index."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from integrations.sandbox.base import SandboxError, SandboxRequest, SandboxResponse
from integrations.sandbox.control import ControlApi
from integrations.sandbox.delivery import Delivery
from integrations.sandbox.exchange import Mount, answer, error_response
from integrations.sandbox.wire import Wire

MAX_BODY_BYTES = 8 << 20
MAX_CONTROL_BODY_BYTES = 256 << 20
CONTROL_SEGMENT = "_sim"


class Router:
    """Hands each request to the provider under whose prefix it came.

    Args:
        mounts: the providers by slug.
        max_body_bytes: longest request body for calls of a provider's API.
    """

    def __init__(self, mounts: Mapping[str, Mount], max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._mounts = mounts
        self._controls = {slug: ControlApi(mount) for slug, mount in mounts.items()}
        self._max_body_bytes = max_body_bytes

    def body_limit(self, path: str) -> int:
        """Return how many body bytes a path takes."""
        is_control = path.split("/")[2:3] == [CONTROL_SEGMENT]
        return MAX_CONTROL_BODY_BYTES if is_control else self._max_body_bytes

    def route(self, request: SandboxRequest, wire: Wire) -> None:
        """Answer a request whose path still holds the provider's prefix."""
        slug, _, rest = request.path.lstrip("/").partition("/")
        segment, _, below = rest.partition("/")
        if slug not in self._mounts:
            reply(wire, self._unknown(request.path) if slug else self._index(), request.method)
        elif segment == CONTROL_SEGMENT:
            response = self._controls[slug].answer(replace(request, path="/" + below))
            reply(wire, response, request.method)
        else:
            answer(self._mounts[slug], replace(request, path="/" + rest), wire)

    def _index(self) -> SandboxResponse:
        providers = {
            slug: {"url": f"/{slug}", "control": f"/{slug}/{CONTROL_SEGMENT}/"} for slug in self._mounts
        }
        return SandboxResponse.json({"sandbox": "syncplatform", "providers": providers})

    def _unknown(self, path: str) -> SandboxResponse:
        message = f"There is nothing at {path}."
        return error_response(SandboxError(message, 404, providers=[f"/{slug}" for slug in self._mounts]))


def reply(wire: Wire, response: SandboxResponse, method: str = "GET") -> None:
    """Send a reply that belongs in no journal."""
    with contextlib.suppress(OSError):
        Delivery(wire, lambda status, sent, outcome: None, is_head=method == "HEAD").whole(response)
