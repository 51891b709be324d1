"""The simulated bank behaves like Monzo where it is awkward."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from integrations.providers.monzo.sandbox.clock import stamp
from integrations.providers.monzo.sandbox.tokens import CLIENT_ID, CLIENT_SECRET
from tests.integrations.providers.monzo.conftest import Monzo


@pytest.fixture
def bank(monzo: Monzo) -> Monzo:
    monzo.seed(months=14, per_month=15)
    return monzo


def get(bank: Monzo, path: str, token: str, **params: Any) -> requests.Response:
    return requests.get(
        f"{bank.url}/{path}", params=params, headers={"Authorization": f"Bearer {token}"}, timeout=5
    )


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def refresh(bank: Monzo, token: str, **changes: str) -> requests.Response:
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": token,
        **changes,
    }
    return requests.post(f"{bank.url}/oauth2/token", data=form, timeout=5)


def test_a_refresh_token_works_once_and_ends_the_access_token(bank: Monzo) -> None:
    grant = bank.log_in()
    old_access, old_refresh = grant.access_token, grant.refresh_token
    fresh = refresh(bank, old_refresh).json()
    assert fresh["expires_in"] == 21_600
    assert get(bank, "accounts", fresh["access_token"]).status_code == 200
    assert code(get(bank, "accounts", old_access)) == (401, "unauthorized.bad_access_token")
    again = refresh(bank, old_refresh)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_grant")


def test_a_second_login_evicts_the_first(bank: Monzo) -> None:
    first, second = bank.log_in(), bank.log_in()
    assert code(get(bank, "accounts", first.access_token)) == (
        401,
        "unauthorized.bad_access_token.evicted",
    )
    assert get(bank, "accounts", second.access_token).status_code == 200


def test_nothing_is_shown_before_the_approval(bank: Monzo) -> None:
    grant = bank.log_in(approved=False)
    assert code(get(bank, "accounts", grant.access_token)) == (403, "forbidden.insufficient_permissions")
    assert get(bank, "ping/whoami", grant.access_token).json()["authenticated"] is True
    requests.post(f"{bank.url}/_sim/approve", json={}, timeout=5)
    assert get(bank, "accounts", grant.access_token).status_code == 200


def test_old_transactions_are_open_for_five_minutes(bank: Monzo) -> None:
    grant, account = bank.log_in(), bank.account("uk_retail")["id"]
    now = bank.sandbox.clock.now()

    def ask(days: float) -> requests.Response:
        params = {"account_id": account, "since": stamp(now - timedelta(days=days)), "before": stamp(now)}
        return get(bank, "transactions", grant.access_token, **params)

    assert ask(364).status_code == 200
    assert code(ask(366)) == (400, "bad_request.invalid_time_range")
    requests.post(f"{bank.url}/_sim/clock", json={"advance_seconds": 301}, timeout=5)
    assert code(ask(90)) == (403, "forbidden.verification_required")
    assert ask(89).status_code == 200


def test_paging_by_time_and_by_id(bank: Monzo) -> None:
    grant, account = bank.log_in(), bank.account("uk_retail")["id"]
    since = stamp(bank.sandbox.clock.now() - timedelta(days=360))
    first = get(bank, "transactions", grant.access_token, account_id=account, since=since).json()[
        "transactions"
    ]
    assert len(first) == 30
    assert first == sorted(first, key=lambda each: each["created"])
    after = get(
        bank, "transactions", grant.access_token, account_id=account, since=first[-1]["id"], limit=100
    )
    assert first[-1]["id"] not in [each["id"] for each in after.json()["transactions"]]
    assert len(after.json()["transactions"]) == 100
    assert get(bank, "transactions", grant.access_token, account_id=account, limit=101).status_code == 400


def test_merchants_are_expanded_on_request_only(bank: Monzo) -> None:
    grant, account = bank.log_in(), bank.account("uk_retail")["id"]

    def merchants(**params: Any) -> set[type]:
        found = get(bank, "transactions", grant.access_token, account_id=account, **params).json()
        return {type(each["merchant"]) for each in found["transactions"]} - {type(None)}

    assert merchants() == {str}
    assert merchants(**{"expand[]": "merchant"}) == {dict}


def test_loans_have_no_transactions_and_the_backing_loan_refuses(bank: Monzo) -> None:
    grant = bank.log_in()
    loan, backing = bank.account("uk_loan")["id"], bank.account("uk_monzo_flex_backing_loan")["id"]
    assert get(bank, "transactions", grant.access_token, account_id=loan).json() == {"transactions": []}
    assert get(bank, "transactions", grant.access_token, account_id=backing).status_code == 403


def test_pots_ask_for_the_current_account_by_its_own_name(bank: Monzo) -> None:
    grant, account = bank.log_in(), bank.account("uk_retail")["id"]
    assert code(get(bank, "pots", grant.access_token, account_id=account))[0] == 400
    assert len(get(bank, "pots", grant.access_token, current_account_id=account).json()["pots"]) == 2


def test_an_authorization_header_on_the_token_call_is_refused(bank: Monzo) -> None:
    grant = bank.log_in()
    answer = requests.post(
        f"{bank.url}/oauth2/token",
        data={"grant_type": "refresh_token"},
        headers={"Authorization": f"Bearer {grant.access_token}"},
        timeout=5,
    )
    assert answer.status_code == 401


def test_the_same_seed_gives_the_same_data(bank: Monzo) -> None:
    before = list(bank.bank.transactions)
    bank.seed(months=14, per_month=15)
    assert list(bank.bank.transactions) == before


def test_controls_say_what_is_wrong(bank: Monzo) -> None:
    answer = requests.post(f"{bank.url}/_sim/transaction", json={"kind": "gift"}, timeout=5)
    assert answer.status_code == 400
    assert "gift" in answer.json()["error"]
    assert requests.post(f"{bank.url}/_sim/seed", json={"months": "many"}, timeout=5).status_code == 400
