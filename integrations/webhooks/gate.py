"""The receiver in front of Django under ASGI: a slow sender costs its connection, and nothing else.

Heads and bodies are read by the event loop, within limits of size and time; only a delivery that is
complete gets one of a few threads, each of which keeps a database connection of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeVar

from django.conf import settings
from django.utils import timezone

from integrations.webhooks.declaration import Recipient, Webhook
from integrations.webhooks.messages import Denial, Head, Reply
from integrations.webhooks.receive import (
    NOTHING_HERE,
    TOO_SLOW,
    UNAVAILABLE,
    admit,
    answer,
    deny,
    receive,
    recognize,
    too_large,
)
from integrations.webhooks.store import announced_length

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
T = TypeVar("T")

PREFIX = "/webhooks/"
READ_BEFORE_THE_KEY = 256 << 10
KEPT_IN_MEMORY = 1 << 20
ANSWER_SECONDS = 25.0


class SenderLeft(Exception):
    """The connection was closed before the body was complete."""


class TooLarge(Exception):
    """The body exceeds the limit."""


class WebhookGate:
    """An ASGI application: answers what is below `/webhooks/`, and hands everything else on."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(settings.WEBHOOK_THREADS, thread_name_prefix="webhook")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or hand it on."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._application(scope, receive, send)
            return
        head = head_of(scope)
        try:
            reply = await self._answer(head, receive) if head else NOTHING_HERE.reply
        except SenderLeft:
            return
        await _send(send, reply, without_body=scope["method"] == "HEAD")

    async def _answer(self, head: Head, receive_more: Receive) -> Reply:
        webhook = admit(head)
        if isinstance(webhook, Denial):
            return await self._denied(head, webhook)
        recipient = None
        length = announced_length(head)
        if length is None or length > READ_BEFORE_THE_KEY:
            found = await self._in_thread(lambda: recognize(head))
            if not isinstance(found, Recipient):
                return _closing(found)
            recipient = found
        with SpooledTemporaryFile(KEPT_IN_MEMORY) as body:
            try:
                await _read_body(receive_more, body, webhook.body_limit)
            except TooLarge:
                return await self._denied(head, too_large(webhook))
            except TimeoutError:
                return await self._denied(head, TOO_SLOW)
            return await self._in_thread(lambda: _take(head, webhook, recipient, body))

    async def _denied(self, head: Head, denial: Denial) -> Reply:
        """The answer to what was not read to its end: the connection is of no more use."""
        if not denial.reason:
            return _closing(denial.reply)
        return _closing(await self._in_thread(lambda: deny(head, denial)))

    async def _in_thread(self, work: Callable[[], T]) -> T | Reply:
        """Run what asks the database. A database that hangs is one that is away."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await future
        except TimeoutError:
            return UNAVAILABLE


def head_of(scope: Scope) -> Head | None:
    """The head of a request below `/webhooks/`; None when its path has not the form of an address."""
    parts = scope["path"].removeprefix(PREFIX).removesuffix("/").split("/")
    if len(parts) != 2 or not all(parts):
        return None
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Head(
        provider=parts[0],
        key=parts[1],
        method=scope["method"],
        headers=headers,
        received_at=timezone.now(),
        query=scope["query_string"].decode("latin-1"),
    )


async def _read_body(receive_more: Receive, body: IO[bytes], limit: int) -> None:
    """Read to the end. Raises TooLarge, TimeoutError for a sender that pauses or dawdles, SenderLeft."""
    size = 0
    async with asyncio.timeout(settings.WEBHOOK_BODY_SECONDS):
        while True:
            async with asyncio.timeout(settings.WEBHOOK_IDLE_SECONDS):
                message = await receive_more()
            if message["type"] == "http.disconnect":
                raise SenderLeft
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise TooLarge
            body.write(chunk)
            if not message.get("more_body", False):
                return


def _take(head: Head, webhook: Webhook, recipient: Recipient | None, body: IO[bytes]) -> Reply:
    body.seek(0)
    content = body.read()
    if recipient is None:
        return answer(head, webhook, content)
    return receive(head, webhook, recipient, content)


def _closing(reply: Reply) -> Reply:
    """The same answer, with word that the rest of the body is not wanted."""
    return replace(reply, headers=(*reply.headers, ("Connection", "close")))


async def _send(send: Send, reply: Reply, *, without_body: bool) -> None:
    headers = [(b"content-length", str(len(reply.body)).encode())]
    if reply.content_type:
        headers.append((b"content-type", reply.content_type.encode()))
    headers += [(name.lower().encode(), value.encode()) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if without_body else reply.body})
