"""The simulator itself: Zuora's wire as its description has it, and what it notes of careless clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from integrations.providers.zuora.sandbox import ZuoraSandbox
from integrations.sandbox import SandboxError, SandboxServer
from tests.integrations.providers.zuora.conftest import ALDER, BIRCH

TOKEN_FORM = {
    "client_id": ALDER.client_id,
    "client_secret": ALDER.client_secret,
    "grant_type": "client_credentials",
}


@pytest.fixture
def sandbox(zuora_server: SandboxServer) -> Iterator[ZuoraSandbox]:
    found = zuora_server.mounts["zuora"].sandbox
    assert isinstance(found, ZuoraSandbox)
    found.reset()
    yield found
    found.reset()


class Caller:
    """A careless client: plain requests, without anything of ours."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def token(self, **changes: str) -> requests.Response:
        return self.session.post(f"{self.url}/oauth/token", data={**TOKEN_FORM, **changes}, timeout=5)

    def sign_in(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.session.get(f"{self.url}/{path}", params=query, timeout=5)

    def sim(self, path: str, body: Any) -> requests.Response:
        return self.session.post(f"{self.url}/_sim/{path}", json=body, timeout=5)


@pytest.fixture
def caller(zuora_server: SandboxServer, sandbox: ZuoraSandbox) -> Iterator[Caller]:
    made = Caller(zuora_server.url_for("zuora"))
    with made.session:
        yield made


def test_a_token_has_all_its_fields_and_headers(caller: Caller) -> None:
    reply = caller.token()
    assert set(reply.json()) == {"access_token", "token_type", "expires_in", "scope", "jti"}
    assert (reply.json()["token_type"], reply.json()["expires_in"]) == ("bearer", 3599)
    assert reply.headers["X-RateLimit-Remaining-minute"] == "99"
    assert len(reply.headers["Zuora-Request-Id"]) == 32


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"client_secret": "x"}, 401), ({"client_id": "x"}, 401), ({"grant_type": "password"}, 400)],
)
def test_a_wrong_client_gets_no_token(caller: Caller, changes: dict[str, str], status: int) -> None:
    assert caller.token(**changes).status_code == status


def test_calls_need_a_token_that_is_alive(caller: Caller, sandbox: ZuoraSandbox) -> None:
    assert caller.get("workflows").status_code == 401
    caller.sign_in()
    assert caller.get("workflows").status_code == 200
    caller.sim("behavior", {"token_ttl": 0})
    caller.session.headers.pop("Authorization")
    caller.sign_in()
    assert caller.get("workflows").status_code == 401


def test_pages_are_twenty_long_and_fifty_at_most(caller: Caller, sandbox: ZuoraSandbox) -> None:
    sandbox.seed(workflows=60, hostile=False)
    caller.sign_in()
    page = caller.get("workflows").json()
    assert (len(page["data"]), page["pagination"]["page_length"]) == (20, 20)
    assert page["pagination"]["next_page"] == f"{caller.url}/workflows?page=2&page_length=20"
    assert len(caller.get("workflows", page_length=70).json()["data"]) == 50
    assert sandbox.violations == ["page_length 70 is over 50"]


def test_filters_are_honored_and_unknown_parameters_noted(caller: Caller, sandbox: ZuoraSandbox) -> None:
    sandbox.seed(workflows=40, hostile=False)
    caller.sign_in()
    rows = caller.get("workflows", scheduled_trigger="true", page_length=50).json()["data"]
    assert 0 < len(rows) < 40
    assert all(row["scheduledTrigger"] for row in rows)
    assert caller.get("workflows", name=rows[0]["name"]).json()["data"] == [rows[0]]
    caller.get("workflows", updated_since="2024-01-01")
    assert sandbox.violations == ["unknown parameter 'updated_since'"]


def test_credentials_sent_elsewhere_than_to_the_token_endpoint_are_noted(
    caller: Caller, sandbox: ZuoraSandbox
) -> None:
    caller.get("workflows", name=ALDER.client_secret)
    caller.session.get(f"{caller.url}/workflows", auth=("client", "secret"), timeout=5)
    caller.sign_in()
    caller.token()
    assert sandbox.violations == [
        "credentials were sent to /workflows",
        "credentials were sent to /workflows",
        "an Authorization header was sent to the token endpoint",
    ]


def test_the_list_and_the_page_of_a_definition_differ_as_at_zuora(
    caller: Caller, sandbox: ZuoraSandbox
) -> None:
    sandbox.seed(workflows=5, hostile=False)
    caller.sign_in()
    listed = caller.get("workflows").json()["data"][0]
    one = caller.get(f"workflows/{listed['id']}").json()
    assert "latest_inactive_verisons" in listed
    assert "latest_inactive_verisons" not in one
    assert (one["priority"], "priority" in listed) == ("Medium", False)
    assert isinstance(caller.get(f"workflows/{listed['id']}/versions").json()["data"], list)
    assert caller.get("workflows/999999").json() == {"errors": ["Workflow not found"]}
    assert caller.get("workflows/abc").status_code == 400


def test_tenants_are_apart(caller: Caller, sandbox: ZuoraSandbox) -> None:
    caller.sim(f"workflows?client_id={BIRCH.client_id}", {"id": 5})
    caller.sign_in()
    assert caller.get("workflows").json()["data"] == []


def test_the_limit_counts_down_and_begins_anew(caller: Caller) -> None:
    caller.sign_in()
    caller.sim("rate", {"limit": 10, "remaining": 1, "reset": 60})
    last = caller.get("workflows")
    assert (last.status_code, last.headers["RateLimit-Remaining"], last.headers["RateLimit-Reset"]) == (
        200,
        "0",
        "60",
    )
    assert last.headers["RateLimit-Limit"].startswith("10, 10;w=60, ")
    refused = caller.get("workflows")
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, False)
    assert refused.json()["reasons"][0]["code"] == 70
    caller.sim("rate", {"limit": 10, "remaining": 0, "reset": 0})
    assert caller.get("workflows").headers["RateLimit-Remaining"] == "9"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("behavior", {"next_page": "sideways"}),
        ("behavior", {"token_ttl": "long"}),
        ("behavior", {"color": 1}),
        ("rate", {"limit": -1}),
        ("rate", {"burst": 1}),
        ("fail_next", {"shape": "round"}),
        ("fail_next", {"status": 99}),
        ("tenants", {"x": {"permissions": ["fly"]}}),
        ("tenants", {"x": 5}),
        ("between_pages", {"insert": "many"}),
        ("workflows", [5]),
        ("delete?client_id=nobody", {}),
    ],
)
def test_a_malformed_control_call_says_what_is_wrong(caller: Caller, path: str, body: Any) -> None:
    reply = caller.sim(path, body)
    assert reply.status_code in (400, 404)
    assert reply.json()["error"]


@pytest.mark.parametrize("options", [{"workflows": -1}, {"runs": "many"}, {"hostile": 1}])
def test_seed_options_are_checked(sandbox: ZuoraSandbox, options: dict[str, Any]) -> None:
    with pytest.raises(SandboxError):
        sandbox.seed(**options)


def test_the_same_seed_gives_the_same_data(sandbox: ZuoraSandbox) -> None:
    sandbox.seed()
    first = [tenant.listed() for tenant in sandbox.tenants.values()]
    sandbox.reset()
    sandbox.seed()
    assert [tenant.listed() for tenant in sandbox.tenants.values()] == first
