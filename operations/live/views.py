"""The live page, its state and its stream of events: docs/events.md."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import User
from operations.live.state import live_state
from operations.live.stream import event_stream
from synclogs.channels import may_listen
from synclogs.live import Position

DEFAULT_CHANNEL = "dashboard"
MAX_CHANNELS = 20
MAX_CHANNEL_LENGTH = 100


@require_GET
@staff_member_required(login_url="admin:login")
def live_page(request: HttpRequest) -> HttpResponse:
    """The page: what runs now and what ended lately, kept up to date by the stream."""
    context = {
        **admin.site.each_context(request),
        "title": "Live",
        "state": live_state(_viewer(request)),
    }
    return render(request, "operations/live.html", context)


@require_GET
@staff_member_required(login_url="admin:login")
def live_state_json(request: HttpRequest) -> JsonResponse:
    """The same state as JSON."""
    return JsonResponse(live_state(_viewer(request)))


@require_GET
async def live_events(request: HttpRequest) -> HttpResponseBase:
    """The events of `?channel=` (may be repeated), after `Last-Event-ID` or `?after=`.

    403 for a channel that the user may not listen to and for whoever is not signed in, 400 for a position
    that is none.
    """
    channels = list(dict.fromkeys(request.GET.getlist("channel"))) or [DEFAULT_CHANNEL]
    if len(channels) > MAX_CHANNELS or any(len(name) > MAX_CHANNEL_LENGTH for name in channels):
        return HttpResponseBadRequest(f"At most {MAX_CHANNELS} channels.")
    try:
        position = _position(request)
    except ValueError:
        return HttpResponseBadRequest("Last-Event-ID must be the id of an event.")
    user = await sync_to_async(_listener)(request, channels)
    stream = event_stream(user, channels, position)
    response = StreamingHttpResponse(stream, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _listener(request: HttpRequest, channels: list[str]) -> User:
    """Who listens. Their request's thread keeps no connection: the stream may last for long."""
    user = request.user
    allowed = isinstance(user, User) and all(may_listen(user, channel) for channel in channels)
    if not connection.in_atomic_block:
        connection.close()
    if not isinstance(user, User) or not allowed:
        raise PermissionDenied
    return user


def _position(request: HttpRequest) -> Position | None:
    given = request.headers.get("Last-Event-ID") or request.GET.get("after")
    return None if given is None else Position.parse(given)


def _viewer(request: HttpRequest) -> User:
    """The signed-in user. Raises PermissionDenied for one who may not look at runs."""
    if not isinstance(request.user, User) or not request.user.has_perm("synclogs.view_synclog"):
        raise PermissionDenied
    return request.user
