"""Static files under ASGI."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

CHUNK_BYTES = 65_536


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise, with replies that are complete: Django warns of, and then buffers, those it streams."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """The file (or the part of it that was asked for) in one piece."""
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file:
                content = b"".join(iter(lambda: found.file.read(CHUNK_BYTES), b""))
        response = HttpResponse(content, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response
