"""Reading what Zuora says when it refuses: five shapes of JSON, plain text and web pages."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from integrations.http.errors import IntegrationError, RateLimited
from integrations.http.response import ApiResponse
from integrations.providers.zuora.errors import (
    PROVIDER,
    ZuoraAuthenticationError,
    ZuoraHttpError,
    ZuoraRateLimitError,
)
from integrations.providers.zuora.limits import RateState

MAX_MESSAGE = 300
CALL_LIMIT, CONCURRENCY_LIMIT, BAD_CREDENTIAL = "70", "50000070", "90000011"
_TAG = re.compile(r"<(?:script|style).*?</(?:script|style)>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_SECONDS = re.compile(r"retry after (\d{1,6}) seconds", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Zuora's own code and words, empty where it gives none; `is_json` is false for text and web pages."""

    code: str = ""
    message: str = ""
    is_json: bool = True


def complaint(body: bytes) -> Complaint:
    """What a body complains about, whatever its shape."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Complaint(message=_plain(body), is_json=False)
    if not isinstance(document, Mapping):
        return Complaint(message=_text(document))
    for name in ("errors", "Errors", "reasons"):
        entries = document.get(name)
        if isinstance(entries, list) and entries:
            return _listed(entries)
    for name in ("message", "error_description", "error"):
        if document.get(name):
            return Complaint(message=_text(document[name]))
    return Complaint()


def explain(response: ApiResponse, error: IntegrationError, *, longest_wait: float) -> IntegrationError:
    """The error that a refusal means; `longest_wait` seconds is the most that a limit may ask for."""
    said = complaint(response.content)
    if said.code in (CALL_LIMIT, CONCURRENCY_LIMIT) or isinstance(error, RateLimited):
        return _rate_limited(response, error, said, longest_wait)
    request_id = response.headers.get("Zuora-Request-Id", "")
    if response.status == 401 or said.code == BAD_CREDENTIAL:
        return ZuoraAuthenticationError(
            _sentence(f"HTTP {response.status}", said, request_id), provider=PROVIDER, status=response.status
        )
    return ZuoraHttpError(
        response.status,
        said.code,
        said.message,
        request_id,
        by_zuora=said.is_json,
        excerpt=response.content,
        retry_after=error.retry_after,
    )


def refusal_inside_success(response: ApiResponse) -> IntegrationError:
    """The error that a 200 with `success: false` means."""
    said = complaint(response.content)
    request_id = response.headers.get("Zuora-Request-Id", "")
    if said.code in (CALL_LIMIT, CONCURRENCY_LIMIT):
        return ZuoraRateLimitError(_sentence("", said, request_id), provider=PROVIDER)
    if said.code == BAD_CREDENTIAL:
        return ZuoraAuthenticationError(_sentence("", said, request_id), provider=PROVIDER)
    return ZuoraHttpError(response.status, said.code, said.message, request_id, excerpt=response.content)


def _rate_limited(
    response: ApiResponse, error: IntegrationError, said: Complaint, longest_wait: float
) -> ZuoraRateLimitError:
    """How long to wait: Retry-After, else RateLimit-Reset, else what the message says."""
    wait = error.retry_after
    state = RateState.read(response.headers)
    if wait is None and state is not None and state.reset_s is not None:
        wait = state.reset_s
    if wait is None and (told := _SECONDS.search(said.message)):
        wait = float(told[1])
    return ZuoraRateLimitError(
        _sentence("", said, response.headers.get("Zuora-Request-Id", "")),
        provider=PROVIDER,
        status=response.status,
        retry_after=None if wait is None else min(wait, longest_wait),
    )


def _listed(entries: list[Any]) -> Complaint:
    code, messages = "", []
    for entry in entries:
        if not isinstance(entry, Mapping):
            messages.append(_text(entry))
            continue
        code = code or str(entry.get("code") or "")
        text = _text(entry.get("title") or entry.get("message") or "")
        field = entry.get("fieldName")
        messages.append(f"{field}: {text}" if field else text)
    return Complaint(code[:40], "; ".join(filter(None, messages))[:MAX_MESSAGE])


def _sentence(start: str, said: Complaint, request_id: str) -> str:
    parts = [start, said.message, f"code {said.code}" if said.code else ""]
    text = ": ".join(part for part in parts if part)
    return f"{text} (request {request_id})" if request_id else text


def _plain(body: bytes) -> str:
    text = html.unescape(_TAG.sub(" ", body.decode(errors="replace")))
    return " ".join(text.split())[:MAX_MESSAGE]


def _text(value: Any) -> str:
    return " ".join(str(value).split())[:MAX_MESSAGE]
