"""One call of a simulated API: journal, fault, reply, delivery."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from integrations.sandbox.base import ProviderSandbox, SandboxError, SandboxRequest, SandboxResponse
from integrations.sandbox.delivery import Delivery
from integrations.sandbox.faults import Fault, FaultQueue
from integrations.sandbox.journal import Journal
from integrations.sandbox.wire import Wire

logger = logging.getLogger(__name__)

T = TypeVar("T")

_DRIP_SECONDS = 0.05


@dataclass(frozen=True)
class Mount:
    """A provider's sandbox under its path prefix, with its own faults and journal."""

    sandbox: ProviderSandbox
    faults: FaultQueue = field(default_factory=FaultQueue)
    journal: Journal = field(default_factory=Journal)


def answer(mount: Mount, request: SandboxRequest, wire: Wire) -> None:
    """Answer one call and leave its trace in the journal; never raises for a client that left."""
    entry = mount.journal.begin(
        request.method,
        request.path,
        summary=_guarded(lambda: mount.sandbox.describe(request), {}),
        auth=_guarded(lambda: mount.sandbox.auth_state(request), "malformed"),
        request_bytes=len(request.body),
    )
    fault = mount.faults.take(request)
    entry.fault = fault.kind if fault else None
    delivery = Delivery(wire, partial(mount.journal.finish, entry), is_head=request.method == "HEAD")
    try:
        _deliver(mount.sandbox, request, fault, delivery)
    except OSError:
        wire.close()
        delivery.finish("client_left")
    finally:
        if entry.outcome == "open":
            delivery.finish("stopped")


def error_response(error: SandboxError) -> SandboxResponse:
    """Turn a refusal into its JSON reply."""
    return SandboxResponse.json({"error": error.message, **error.details}, error.status)


def _deliver(sandbox: ProviderSandbox, request: SandboxRequest, fault: Fault | None, out: Delivery) -> None:
    kind = fault.kind if fault else ""
    params = fault.params if fault else {}
    if kind == "hang":
        out.hang()
    elif kind == "reset" and not params["at"]:
        out.reset()
    elif kind == "latency" and not out.wire.pause(params["seconds"]):
        out.wire.close()
    else:
        response = _reply(sandbox, request, fault)
        if kind == "truncated":
            out.truncate(response, params["share"])
        elif kind == "reset":
            out.reset_midway(response, params["at"])
        elif kind == "slow_drip":
            out.drip(response, *_pace(params["bytes_per_second"], params["chunk"], params["interval"]))
        else:
            out.whole(response)


def _reply(sandbox: ProviderSandbox, request: SandboxRequest, fault: Fault | None) -> SandboxResponse:
    if fault and fault.kind == "status":
        return _status_reply(fault)
    if fault and fault.kind == "not_json":
        return SandboxResponse.html(fault.params["body"])
    if fault and fault.kind == "error_200":
        return sandbox.application_error(fault.params["message"])
    response = _handle(sandbox, request)
    if fault and fault.kind == "wrong_types":
        return sandbox.wrong_types(response, fault.params)
    return response


def _handle(sandbox: ProviderSandbox, request: SandboxRequest) -> SandboxResponse:
    try:
        return sandbox.handle(request)
    except SandboxError as error:
        return error_response(error)
    except Exception as error:
        logger.exception("The %s sandbox failed on %s %s", sandbox.slug, request.method, request.path)
        return SandboxResponse.json({"error": f"The sandbox itself failed: {error!r}"}, 500)


def _status_reply(fault: Fault) -> SandboxResponse:
    status, body, headers = fault.params["status"], fault.params["body"], fault.params["headers"]
    if body is None:
        body = f"<html><body><h1>{status}</h1></body></html>"
    if isinstance(body, str):
        return SandboxResponse(status, {"Content-Type": "text/html; charset=utf-8", **headers}, body.encode())
    return SandboxResponse(status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode())


def _pace(bytes_per_second: float | None, chunk: int, interval: float) -> tuple[int, float]:
    if bytes_per_second is None:
        return chunk, interval
    chunk = max(1, round(bytes_per_second * _DRIP_SECONDS))
    return chunk, chunk / bytes_per_second


def _guarded(function: Callable[[], T], fallback: T) -> T:
    try:
        return function()
    except Exception:
        logger.exception("A journal hook of a sandbox failed")
        return fallback
