"""Static files under ASGI."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise, with replies that are complete: Django warns of, and then buffers, those it streams."""

    @staticmethod
    def serve(static_file: object, request: HttpRequest) -> HttpResponse:
        """The file (or the part of it that was asked for) in one piece."""
        streamed = WhiteNoiseMiddleware.serve(static_file, request)
        whole = HttpResponse(streamed.getvalue(), status=streamed.status_code, headers=dict(streamed.items()))
        if "Content-Type" not in streamed:
            del whole["Content-Type"]
        streamed.close()
        return whole
