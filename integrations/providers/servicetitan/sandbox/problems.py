"""Errors in the vendor's shape, or in the shapes of a gateway before it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from integrations.sandbox import SandboxResponse

BODY_KINDS = ("problem", "gateway", "html", "empty")


class Problem(Exception):
    """A call that is refused; `errors` are messages by the name of a parameter."""

    def __init__(
        self,
        status: int,
        title: str,
        errors: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})


def response(problem: Problem, kind: str, number: int) -> SandboxResponse:
    """The reply for a refused call.

    `kind` is one of BODY_KINDS; a 400 is always the vendor's own. `number` makes the trace id.
    """
    headers = problem.headers
    if kind == "gateway" and problem.status != 400:
        body = {"statusCode": problem.status, "message": problem.title}
        return SandboxResponse.json(body, problem.status, headers)
    if kind == "html" and problem.status != 400:
        page = f"<html><body><h1>{problem.status}</h1><p>{problem.title}</p></body></html>"
        return SandboxResponse.html(page, problem.status, headers)
    if kind == "empty" and problem.status != 400:
        return SandboxResponse(problem.status, headers)
    return SandboxResponse.json(
        {
            "type": f"https://example.invalid/problems/{problem.status}",
            "title": problem.title,
            "status": problem.status,
            "traceId": _trace_id(number),
            "errors": problem.errors,
            "data": {},
        },
        problem.status,
        headers,
    )


def _trace_id(number: int) -> str:
    digest = hashlib.blake2b(str(number).encode(), digest_size=24).hexdigest()
    return f"00-{digest[:32]}-{digest[32:]}-00"
