"""What a token endpoint answers (RFC 6749 sections 5.1 and 5.2), read by oauthlib."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.utils import timezone
from oauthlib.oauth2 import Client, OAuth2Error

from integrations.http.errors import BadReply
from integrations.http.response import ApiResponse

STANDARD = frozenset({"access_token", "refresh_token", "expires_in", "expires_at", "token_type", "scope"})


@dataclass(frozen=True, slots=True)
class TokenReply:
    """A token; `expires_in` is seconds from `received_at`, None where the vendor does not say.

    `extra` holds what the vendor adds (`user_id`, ...).
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False, default="")
    expires_in: int | None = None
    scope: str = ""
    received_at: datetime = field(default_factory=timezone.now)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def expires_at(self) -> datetime | None:
        """When it ends."""
        return None if self.expires_in is None else self.received_at + timedelta(seconds=self.expires_in)


def read_reply(response: ApiResponse, client: Client) -> TokenReply:
    """The token in a reply. Raises BadReply when there is none."""
    try:
        document = orjson.loads(response.content)
        if not isinstance(document, dict):
            raise ValueError("no object")
        token = client.parse_request_body_response(orjson.dumps(document).decode())
        access_token, refresh_token = token["access_token"], token.get("refresh_token") or ""
        if not isinstance(access_token, str) or not access_token or not isinstance(refresh_token, str):
            raise ValueError("no token")
    except (ValueError, TypeError, OAuth2Error) as error:
        reason = error.error if isinstance(error, OAuth2Error) else "the body is no token reply"
        raise BadReply(
            f"the token endpoint answered without a token: {reason}", status=response.status
        ) from None
    return TokenReply(
        access_token,
        refresh_token,
        token.get("expires_in"),
        " ".join(token.get("scope") or ()),
        extra={name: value for name, value in document.items() if name not in STANDARD},
    )
