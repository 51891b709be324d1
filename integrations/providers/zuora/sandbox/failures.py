"""Failures in every body shape that Zuora is known to use, queued for the next calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.providers.zuora.sandbox.generator import count_of
from integrations.sandbox import SandboxError, SandboxResponse

MESSAGE = "The sandbox was told to fail."
PROCESS_ID = "8F3A1C5D7E9B2046"


def _json(data: Any) -> bytes:
    return json.dumps(data).encode()


SHAPES: Mapping[str, bytes] = {
    "errors": _json({"errors": [{"status": 406, "code": "invalid", "title": MESSAGE}]}),
    "errors_text": _json({"errors": [MESSAGE]}),
    "errors_capital": _json({"Errors": [{"status": 400, "code": "invalid", "title": MESSAGE}]}),
    "reasons_fields": _json({"success": False, "reasons": [{"fieldName": "page", "title": MESSAGE}]}),
    "reasons_codes": _json(
        {"success": False, "processId": PROCESS_ID, "reasons": [{"code": 53100020, "message": MESSAGE}]}
    ),
    "bad_credential": _json({"success": False, "reasons": [{"code": 90000011, "message": MESSAGE}]}),
    "rate": _json({"reasons": [{"code": 70, "message": "Limit exceeded, please retry after 600 seconds"}]}),
    "concurrency": _json(
        {"success": False, "reasons": [{"code": 50000070, "message": "Concurrency limit exceeded"}]}
    ),
    "oauth": _json({"error": "invalid_client", "error_description": MESSAGE}),
    "message": _json({"message": MESSAGE}),
    "text": MESSAGE.encode(),
    "html": f"<html><head><title>Sorry</title></head><body><h1>{MESSAGE}</h1></body></html>".encode(),
    "empty": b"",
}
CONTENT_TYPES = {"text": "text/plain", "html": "text/html; charset=utf-8", "empty": "text/plain"}
CONCURRENCY_RETRY_AFTER = 120


@dataclass(slots=True)
class Failure:
    """A failure that waits: ``path`` is a part of the paths that it is for."""

    status: int
    shape: str
    times: int
    path: str
    headers: dict[str, str]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Failure:
        """Check a failure as received; raises SandboxError."""
        unknown = set(document) - {"status", "shape", "times", "path", "headers"}
        if unknown:
            raise SandboxError(f"Unknown field {sorted(unknown)[0]!r}.", shapes=sorted(SHAPES))
        shape = document.get("shape", "errors")
        if shape not in SHAPES:
            raise SandboxError(f"Unknown shape {shape!r}.", shapes=sorted(SHAPES))
        status = document.get("status", 429 if shape in ("rate", "concurrency") else 500)
        if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
            raise SandboxError(f"status must be from 200 to 599, not {status!r}.")
        headers = document.get("headers") or {}
        if not isinstance(headers, dict):
            raise SandboxError(f"headers must be an object, not {headers!r}.")
        if shape == "concurrency":
            headers = {"Retry-After": CONCURRENCY_RETRY_AFTER, **headers}
        return cls(
            status=status,
            shape=shape,
            times=count_of("times", document.get("times", 1)),
            path=str(document.get("path", "")),
            headers={str(name): str(value) for name, value in headers.items()},
        )

    def response(self) -> SandboxResponse:
        """The reply."""
        kind = CONTENT_TYPES.get(self.shape, "application/json")
        return SandboxResponse(self.status, {"Content-Type": kind, **self.headers}, SHAPES[self.shape])


class Failures:
    """The failures that wait, in order."""

    def __init__(self) -> None:
        self._waiting: list[Failure] = []

    def add(self, failure: Failure) -> None:
        """Queue one."""
        self._waiting.append(failure)

    def take(self, path: str) -> Failure | None:
        """The failure for a call of this path, if one waits."""
        for failure in self._waiting:
            if failure.path in path:
                failure.times -= 1
                if failure.times <= 0:
                    self._waiting.remove(failure)
                return failure
        return None
