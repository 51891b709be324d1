"""One attempt: send a request, follow what may be followed, read the whole reply."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import urljoin

import requests
import urllib3.exceptions
from urllib3.response import HTTPResponse

from integrations.http.body import read_body, read_error_body
from integrations.http.deadline import Deadline, deadline_scope, limited
from integrations.http.errors import BadRequest, IntegrationError, from_response
from integrations.http.response import ApiResponse
from integrations.http.translate import translate
from integrations.http.transport import PlainSession
from integrations.http.urls import same_origin
from synclogs.redaction import redact_url

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
Body = str | bytes | Mapping[str, Any] | Sequence[tuple[str, Any]]
Headers = Mapping[str, str | None]
Explain = Callable[["ApiResponse", IntegrationError], IntegrationError]
Observe = Callable[[int, Mapping[str, str]], None]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of the vendor, with its time limits in seconds."""

    method: str
    url: str
    params: Params | None
    json: Any
    data: Body | None
    headers: Headers | None
    connect_timeout: float
    read_timeout: float
    deadline: Deadline | None

    @property
    def where(self) -> str:
        """Method and redacted URL, as messages and logs name the call."""
        return f"{self.method} {redact_url(self.url)}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """The fixed half of every attempt: pooled connections, trust, limits."""

    http: PlainSession
    provider: str
    verify: bool | str
    max_body_bytes: int
    max_redirects: int
    clock: Callable[[], float]
    explain: Explain | None = None
    observe: Observe | None = None

    def run(self, call: Call, attempt: int, *, max_retry_after: float) -> ApiResponse:
        """The complete reply when its status is 2xx or 304. Raises IntegrationError for anything else."""
        started = time.monotonic()
        with deadline_scope(call.deadline):
            for _ in range(self.max_redirects + 1):
                reply = self._send(call)
                target = self._redirect_target(call, reply)
                if target is None:
                    break
                reply.raw.close()
                call = replace(call, url=target, params=None)
            response = self._read(call, reply, attempt, started)
        if self.observe is not None:
            self.observe(response.status, response.headers)
        if 200 <= response.status < 300 or response.status == 304:
            return response
        error = from_response(
            response, provider=self.provider, now=self.clock(), max_retry_after=max_retry_after
        )
        raise error if self.explain is None else self.explain(response, error)

    def _send(self, call: Call) -> requests.Response:
        try:
            request = self.http.prepare_request(
                requests.Request(
                    call.method,
                    call.url,
                    params=call.params,
                    json=call.json,
                    data=call.data,
                    headers=call.headers,
                )
            )
        except (requests.RequestException, ValueError) as error:
            raise BadRequest(f"{call.where}: the request cannot be built: {type(error).__name__}") from None
        try:
            timeout = limited(call.connect_timeout), limited(call.read_timeout)
            return self.http.send(
                request, stream=True, allow_redirects=False, verify=self.verify, timeout=timeout
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise translate(error, call.where) from None

    def _redirect_target(self, call: Call, reply: requests.Response) -> str | None:
        """Where to go next: only for reads, only within the same origin, only when redirects are allowed."""
        if (
            not self.max_redirects
            or reply.status_code not in _REDIRECTS
            or call.method not in {"GET", "HEAD"}
        ):
            return None
        target = urljoin(reply.url, reply.headers.get("Location", ""))
        return target if same_origin(call.url, target) else None

    def _read(self, call: Call, reply: requests.Response, attempt: int, started: float) -> ApiResponse:
        raw = cast(HTTPResponse, reply.raw)
        try:
            if reply.status_code in _REDIRECTS:
                content = b""
            elif reply.ok:
                content = read_body(raw, limit=self.max_body_bytes, where=call.where)
            else:
                content = read_error_body(raw)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise translate(error, call.where) from None
        finally:
            raw.close()
        return ApiResponse(
            status=reply.status_code,
            headers=reply.headers,
            content=content,
            url=redact_url(reply.url),
            elapsed=time.monotonic() - started,
            attempts=attempt,
        )
