"""The receiver as a Django view, for WSGI servers. `gate` serves the same addresses under ASGI."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from integrations.webhooks.declaration import Webhook
from integrations.webhooks.messages import Denial, Head, Reply
from integrations.webhooks.receive import admit, answer, deny, too_large

CHUNK_BYTES = 65_536


@csrf_exempt
def receive_webhook(request: HttpRequest, provider: str, key: str) -> HttpResponse:
    """One delivery of a vendor."""
    head = Head(
        provider=provider,
        key=key,
        method=request.method or "",
        headers={name.lower(): value for name, value in request.headers.items()},
        received_at=timezone.now(),
        query=request.META.get("QUERY_STRING", ""),
    )
    webhook = admit(head)
    reply = deny(head, webhook) if isinstance(webhook, Denial) else _take(request, head, webhook)
    response = HttpResponse(reply.body, status=reply.status, content_type=reply.content_type or None)
    if not reply.content_type:
        del response["Content-Type"]
    for name, value in reply.headers:
        response[name] = value
    # Django logs refusals with their path, and this one holds a secret.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _take(request: HttpRequest, head: Head, webhook: Webhook) -> Reply:
    body = bytearray()
    try:
        while chunk := request.read(CHUNK_BYTES):
            body += chunk
            if len(body) > webhook.body_limit:
                return deny(head, too_large(webhook))
    except OSError:  # the sender has left, or sends too slowly for the server
        return Denial(400, error="The body is cut off.").reply
    return answer(head, webhook, bytes(body))
