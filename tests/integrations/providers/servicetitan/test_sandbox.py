"""The simulator answers as ServiceTitan does, and refuses what ServiceTitan refuses."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from integrations.providers.servicetitan.sandbox.clients import default_client
from tests.integrations.providers.servicetitan.conftest import Titan

TENANT = default_client(1).tenant


def ask_token(titan: Titan, **fields: str) -> requests.Response:
    client = default_client(1)
    form = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        **fields,
    }
    return requests.post(f"{titan.url}/integration/connect/token", data=form, timeout=5)


def get(titan: Titan, path: str, query: str = "", **headers: str) -> requests.Response:
    token = ask_token(titan).json()["access_token"]
    sent = {"Authorization": f"Bearer {token}", "ST-App-Key": default_client(1).app_key, **headers}
    return requests.get(f"{titan.url}/integration{path}{query}", headers=sent, timeout=5)


def customers(titan: Titan, query: str = "", **headers: str) -> requests.Response:
    return get(titan, f"/crm/v2/tenant/{TENANT}/customers", query, **headers)


def export(titan: Titan, kind: str = "customers", query: str = "") -> requests.Response:
    module = "crm" if kind == "customers" else "accounting"
    return get(titan, f"/{module}/v2/tenant/{TENANT}/export/{kind}", query)


def walk(titan: Titan, kind: str = "customers") -> list[dict[str, Any]]:
    """All records of a feed."""
    found: list[dict[str, Any]] = []
    query = ""
    while True:
        page = export(titan, kind, query).json()
        found += page["data"]
        query = f"?from={page['continueFrom']}"
        if not page["hasMore"]:
            return found


def test_a_token_is_given_as_documented(titan: Titan) -> None:
    reply = ask_token(titan)
    assert reply.status_code == 200
    body = reply.json()
    assert set(body) == {"access_token", "expires_in", "token_type", "scope"}
    assert (body["expires_in"], body["token_type"]) == (900, "Bearer")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "cid.unknown"}, "invalid_client"),
        ({"scope": "tn.acc.invoices:r"}, "invalid_scope"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_token_request_gets_400(titan: Titan, fields: dict[str, str], error: str) -> None:
    reply = ask_token(titan, **fields)
    assert (reply.status_code, reply.json()) == (400, {"error": error})


def test_a_client_of_one_environment_gets_no_token_of_the_other(titan: Titan) -> None:
    client = default_client(1)
    form = {"grant_type": "client_credentials", "client_id": client.client_id}
    form["client_secret"] = client.client_secret
    reply = requests.post(f"{titan.url}/production/connect/token", data=form, timeout=5)
    assert reply.json() == {"error": "invalid_client"}


def test_a_feed_gives_every_record_once_in_the_order_of_changes(titan: Titan) -> None:
    titan.seed(customers=1203, invoices=0)
    found = walk(titan)
    assert len({record["id"] for record in found}) == len(found) == 1203
    moments = [record["modifiedOn"] for record in found]
    assert moments == sorted(moments)
    assert all(len(moment) == len("2021-07-19T20:35:38.2876004Z") for moment in moments)
    assert not all(record["active"] for record in found)


def test_a_feed_starts_at_a_date_and_hides_young_changes(titan: Titan) -> None:
    titan.seed(customers=40)
    assert export(titan, query="?from=2030-01-01").json()["data"] == []
    titan.sim("touch", kind="customers", tenant=TENANT, environment="integration", count=3)
    assert len(walk(titan)) == 37
    recent = export(titan, query="?includeRecentChanges=true").json()["data"]
    assert len(recent) == 40


def test_a_garbled_token_and_one_of_another_feed_get_400(titan: Titan) -> None:
    titan.seed()
    token = export(titan, "invoices").json()["continueFrom"]
    for wrong in (token, "b3BhcXVl"):
        reply = export(titan, query=f"?from={wrong}")
        assert reply.status_code == 400
        assert list(reply.json()["errors"]) == ["from"]


def test_the_list_hides_inactive_customers_unless_asked(titan: Titan) -> None:
    titan.seed(customers=300)
    hidden = customers(titan, "?pageSize=5000&includeTotal=true").json()
    everyone = customers(titan, "?pageSize=5000&active=Any&includeTotal=true").json()
    assert hidden["totalCount"] < everyone["totalCount"] == 300
    assert customers(titan, "?pageSize=10").json()["totalCount"] is None


def test_a_bare_plus_in_sort_is_a_space(titan: Titan) -> None:
    titan.seed()
    assert customers(titan, "?sort=+ModifiedOn").json()["errors"].keys() == {"sort"}
    assert customers(titan, "?sort=%2BModifiedOn").status_code == 200


@pytest.mark.parametrize("size", ["0", "5001", "many"])
def test_a_page_size_out_of_range_gets_400(titan: Titan, size: str) -> None:
    reply = customers(titan, f"?pageSize={size}")
    assert reply.status_code == 400
    assert set(reply.json()) == {"type", "title", "status", "traceId", "errors", "data"}
    assert reply.json()["errors"] == {"pageSize": ["out of range"]}


def test_keys_tenants_and_scopes_are_checked(titan: Titan) -> None:
    titan.seed()
    assert customers(titan, **{"ST-App-Key": ""}).status_code == 401
    assert customers(titan, **{"ST-App-Key": "ak1.other"}).status_code == 401
    assert get(titan, f"/crm/v2/tenant/{TENANT + 1}/customers").status_code == 401
    client = default_client(1)
    titan.sim(
        "clients",
        **{client.client_id: {"client_secret": client.client_secret, "tenant": TENANT, "scopes": []}},
    )
    assert customers(titan).status_code == 403


def test_the_bare_token_is_taken_and_an_expired_one_is_not(titan: Titan) -> None:
    token = ask_token(titan).json()["access_token"]
    assert customers(titan, Authorization=token).status_code == 200
    titan.sim("switches", clock_skew=901)
    assert customers(titan, Authorization=f"Bearer {token}").status_code == 401


def test_one_customer_is_found_by_id_and_an_unknown_one_is_not(titan: Titan) -> None:
    titan.seed(customers=3)
    assert get(titan, f"/crm/v2/tenant/{TENANT}/customers/10001").json()["id"] == 10_001
    assert get(titan, f"/crm/v2/tenant/{TENANT}/customers/99").status_code == 404
    assert get(titan, f"/accounting/v2/tenant/{TENANT}/invoices/50001").status_code == 404


def test_the_rate_limit_counts_each_tenant_and_says_when_to_come_back(titan: Titan) -> None:
    titan.sim("switches", rps_limit=2, retry_after="date")
    statuses = [customers(titan).status_code for _ in range(3)]
    assert statuses[:2] == [200, 200]
    refused = customers(titan)
    assert refused.status_code == 429
    assert "GMT" in refused.headers["Retry-After"]


def test_other_error_bodies_can_be_switched_on(titan: Titan) -> None:
    titan.sim("switches", error_body="gateway")
    assert customers(titan, **{"ST-App-Key": ""}).json()["statusCode"] == 401
    titan.sim("switches", error_body="html")
    assert "<h1>401</h1>" in customers(titan, **{"ST-App-Key": ""}).text


def test_unknown_parameters_are_violations_and_secrets_stay_out_of_the_journal(titan: Titan) -> None:
    customers(titan, "?pagesize=3&servicetitanapplicationkey=ak1.planted")
    assert [violation["parameter"] for violation in titan.sandbox.violations] == ["pagesize"]
    (entry,) = titan.calls("/customers")
    assert entry["summary"]["query"] == {"pagesize": "3"}
    assert "st-app-key" in entry["summary"]["headers"]
    assert "ak1" not in str(titan.calls())


def test_the_same_seed_gives_the_same_records(titan: Titan) -> None:
    titan.seed(invoices=15)
    first = walk(titan, "invoices")
    titan.seed(invoices=15)
    assert walk(titan, "invoices") == first
    assert {"id", "active", "createdOn", "sentStatus", "reviewStatus", "invoiceConfiguration"} <= set(
        first[0]
    )
    assert all(isinstance(record["total"], str) for record in first)
