"""The Hevy client: one API key, one call a second, three tries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from integrations.http.closing import Closing
from integrations.http.errors import BadReply, Forbidden, IntegrationError, NotFound, Unauthorized
from integrations.http.limits import Limits, Window, shared_budget
from integrations.http.response import ApiResponse, json_body
from integrations.http.retry import RetryOn, RetryPolicy
from integrations.http.session import ApiSession
from integrations.models import Credential

PROVIDER = "hevy"
PAGE_SIZE = 10
ADVICE = "Hevy refuses the API key: Hevy Pro has ended or the key was made anew. Enter the present key."
RETRY = RetryPolicy(
    attempts=3,
    retry_statuses=frozenset({500, 502, 503, 504}),
    retry_exceptions=RetryOn.CONNECTION | RetryOn.TIMEOUT | RetryOn.BAD_REPLY,
)


@dataclass(frozen=True, slots=True)
class HevyPage:
    """One page of a list, and how many pages there are now; both may change while the list is read."""

    items: list[Any]
    page_count: int


class HevyClient(Closing):
    """Reads what one API key may see: docs/hevy.md. Close it, or use it in `with`.

    Every call raises IntegrationError, Unauthorized where Hevy refuses the key.
    """

    def __init__(self, credential: Credential) -> None:
        key = credential.secret("api_key")
        if not key:
            raise Unauthorized("the API key is missing", provider=PROVIDER, actionable_message=ADVICE)
        self._session = ApiSession(
            settings.HEVY_API_URL,
            provider=PROVIDER,
            headers={"api-key": key, "Accept": "application/json"},
            secrets=(key,),
            retry=RETRY,
            budget=shared_budget(_limits(credential, key)),
            explain=_explain,
        )

    def close(self) -> None:
        """Let go of the pooled connections."""
        self._session.close()

    def user(self) -> dict[str, Any]:
        """Whose key it is: id, name, url."""
        data = self._get("v1/user/info").get("data")
        if not isinstance(data, dict) or not data.get("id"):
            raise BadReply("the reply about the user has no id", provider=PROVIDER)
        return data

    def workout_count(self) -> int:
        """How many workouts there are."""
        return int(self._get("v1/workouts/count").get("workout_count") or 0)

    def workouts(self, page: int) -> HevyPage:
        """One page of all workouts, from 1; empty past the end."""
        return self._page("v1/workouts", "workouts", {"page": page, "pageSize": PAGE_SIZE})

    def events(self, page: int, since: str) -> HevyPage:
        """One page of what was changed or deleted since an ISO time, the newest first."""
        query = {"page": page, "pageSize": PAGE_SIZE, "since": since}
        return self._page("v1/workouts/events", "events", query)

    def _page(self, path: str, name: str, query: Mapping[str, Any]) -> HevyPage:
        try:
            document = self._get(path, query)
        except NotFound:
            return HevyPage([], 0)
        items, count = document.get(name), document.get("page_count")
        if not isinstance(items, list) or isinstance(count, bool) or not isinstance(count, int):
            raise BadReply(f"the reply is no page of {name}", provider=PROVIDER)
        return HevyPage(items, count)

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._session.request("GET", path, params=query, parse=_object)


def check_credential(credential: Credential) -> None:
    """Make one cheap call with a key. Raises IntegrationError when Hevy does not take it."""
    with HevyClient(credential) as client:
        client.user()


def _limits(credential: Credential, key: str) -> Limits:
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    windows = (Window(settings.HEVY_REQUESTS_PER_SECOND, 1),)
    return Limits(PROVIDER, f"key {digest}", windows, account_id=credential.account_id)


def _object(response: ApiResponse) -> dict[str, Any]:
    document = json_body(response)
    if isinstance(document, dict):
        return document
    raise BadReply(f"the body of HTTP {response.status} is no object", provider=PROVIDER)


def _explain(response: ApiResponse, error: IntegrationError) -> IntegrationError:
    """A 403 means a refused key just as a 401 does; a key cannot be renewed."""
    if not isinstance(error, Unauthorized | Forbidden):
        return error
    refused = Unauthorized(error.message, provider=PROVIDER, status=error.status, actionable_message=ADVICE)
    refused.renewable = False
    return refused
