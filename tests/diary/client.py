"""The diary's client."""

from __future__ import annotations

from typing import Any

from integrations.http.errors import BadReply
from integrations.http.response import ApiResponse, json_body
from integrations.http.retry import RetryPolicy
from integrations.http.session import ApiSession
from integrations.models import Integration

PAGE = 50


class DiaryClient:
    """Reads pages; each is (entries, whether there are more)."""

    def __init__(self, integration: Integration) -> None:
        token = integration.credential.secret("access_token") if integration.credential else ""
        self._session = ApiSession(
            integration.configuration["url"],
            provider="diary",
            headers={"Authorization": f"Bearer {token}"},
            secrets=[token],
            retry=RetryPolicy(attempts=1),
        )

    def entries(self, after: int, limit: int = PAGE) -> tuple[list[Any], bool]:
        """The entries after this one."""
        return self._session.request("GET", "/entries", params={"after": after, "limit": limit}, parse=_page)

    def history(self, before: int, limit: int = PAGE) -> tuple[list[Any], bool]:
        """The entries before this one, newest first."""
        return self._session.request(
            "GET", "/history", params={"before": before, "limit": limit}, parse=_page
        )


def _page(response: ApiResponse) -> tuple[list[Any], bool]:
    document = json_body(response)
    if not isinstance(document, dict) or not isinstance(document.get("entries"), list):
        raise BadReply("no list of entries", provider="diary")
    return document["entries"], bool(document.get("more"))
