"""The client: tokens, tries, waits, and what each refusal means."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from integrations.http.deadline import Deadline
from integrations.http.errors import Action
from integrations.providers.servicetitan.client import ServiceTitanClient, retry_policy
from integrations.providers.servicetitan.errors import (
    InvalidCredentialsError,
    RateLimitExceededError,
    ServiceTitanApiError,
    ServiceTitanError,
    SyncTimeoutError,
)
from integrations.providers.servicetitan.models import ServiceTitanCredential
from integrations.providers.servicetitan.schemas import FeedReply
from integrations.providers.servicetitan.slug import PROVIDER
from integrations.providers.servicetitan.sources import read_feed
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan

TOKEN = "connect/token"
FEED = "export/customers"


class Waits(list[float]):
    """The seconds that a client would have waited."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def ask(credential: ServiceTitanCredential, **options: Any) -> FeedReply:
    """One page of the customers' feed."""
    with ServiceTitanClient(credential, **{"sleep": Waits(), **options}) as client:
        return client.export("customers", {}, read_feed)


def test_one_token_serves_every_client(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=3)
    for _ in range(3):
        assert len(ask(credential).data) == 3
    assert len(titan.calls(TOKEN)) == 1
    (call, *_) = titan.calls(FEED)
    assert {"authorization", "st-app-key"} <= set(call["summary"]["headers"])


def test_what_is_kept_holds_no_secret_and_no_readable_token(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    ask(credential)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access_tokens")
        text = str(cursor.fetchall())
    assert PROVIDER in text
    assert credential.client_secret not in text
    assert credential.client_id not in text
    assert "eyJ" not in text


def test_another_secret_gets_no_token_from_the_cache(titan: Titan, make_credential: MakeCredential) -> None:
    ask(make_credential())
    with pytest.raises(InvalidCredentialsError):
        ask(make_credential(client_secret="cs1.guessed"))
    assert len(titan.calls(TOKEN)) == 2


@pytest.mark.django_db(transaction=True)
def test_many_threads_ask_for_one_token(titan: Titan, make_credential: MakeCredential) -> None:
    credential = make_credential()
    titan.fault("latency", TOKEN, seconds=0.2)

    def log_in() -> None:
        with ServiceTitanClient(credential) as client:
            client.log_in()
        connection.close()

    threads = [threading.Thread(target=log_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(titan.calls(TOKEN)) == 1


def test_an_expired_token_is_replaced_once(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=3)
    ask(credential)
    titan.sim("expire")
    assert len(ask(credential).data) == 3
    assert len(titan.calls(TOKEN)) == 2
    assert [call["status"] for call in titan.calls(FEED)] == [200, 401, 200]


def test_a_second_401_is_an_invalid_credential(titan: Titan, credential: ServiceTitanCredential) -> None:
    credential.app_key = "ak1.wrong"
    with pytest.raises(InvalidCredentialsError) as caught:
        ask(credential)
    assert len(titan.calls(FEED)) == 2
    assert caught.value.actionable_message == "Check the client ID and secret for this environment"
    assert not isinstance(caught.value, ServiceTitanApiError)
    assert isinstance(caught.value, ServiceTitanError)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_client"}),
        (400, {"error": "invalid_grant"}),
        (401, {"error": "unauthorized_client"}),
        (401, None),
        (403, {"message": "blocked"}),
    ],
)
def test_a_refused_client_is_an_invalid_credential(
    titan: Titan, credential: ServiceTitanCredential, status: int, body: Any
) -> None:
    titan.fault("status", TOKEN, status=status, body=body)
    with pytest.raises(InvalidCredentialsError):
        ask(credential)


@pytest.mark.parametrize(("status", "body"), [(400, {"error": "invalid_scope"}), (404, None), (400, None)])
def test_another_refusal_of_the_token_endpoint_is_an_api_error(
    titan: Titan, credential: ServiceTitanCredential, status: int, body: Any
) -> None:
    titan.fault("status", TOKEN, status=status, body=body)
    with pytest.raises(ServiceTitanApiError) as caught:
        ask(credential)
    assert caught.value.status_code == status


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_broken_server_is_asked_five_times(
    titan: Titan, credential: ServiceTitanCredential, status: int
) -> None:
    titan.fault("status", FEED, status=status, times="forever")
    waits = Waits()
    with pytest.raises(ServiceTitanApiError) as caught:
        ask(credential, sleep=waits)
    assert len(titan.calls(FEED)) == 5
    assert all(0 <= wait <= limit for wait, limit in zip(waits, (1, 2, 4, 8), strict=True))
    assert caught.value.status_code == status
    assert caught.value.actionable_message == "ServiceTitan is unavailable; the next run will retry"


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "truncated"}])
def test_a_broken_connection_is_tried_again(
    titan: Titan, credential: ServiceTitanCredential, fault: dict[str, Any]
) -> None:
    titan.seed(customers=3)
    titan.fault(path=FEED, times=2, **fault)
    assert len(ask(credential).data) == 3


@pytest.mark.parametrize(
    ("fault", "code"),
    [({"kind": "not_json"}, 200), ({"kind": "error_200"}, 200), ({"kind": "wrong_types"}, 200)],
)
def test_a_reply_of_another_shape_is_an_api_error_at_once(
    titan: Titan, credential: ServiceTitanCredential, fault: dict[str, Any], code: int
) -> None:
    titan.fault(path=FEED, **fault)
    with pytest.raises(ServiceTitanApiError) as caught:
        ask(credential)
    assert caught.value.status_code == code
    assert len(titan.calls(FEED)) == 1


def problem(status: int, **fields: Any) -> dict[str, Any]:
    return {
        "type": "https://example.invalid/x",
        "title": "Validation failed",
        "status": status,
        "traceId": "00-abc-def-00",
        "errors": {},
        "data": {},
        **fields,
    }


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (400, problem(400, errors={"pageSize": ["out of range"]}), "out of range"),
        (400, problem(400), "Validation failed"),
        (403, problem(403), "The app lacks a scope or the tenant has not accepted the app version"),
        (403, "<html>no</html>", "The app lacks a scope or the tenant has not accepted the app version"),
        (404, problem(404), "Check the tenant ID"),
        (404, "", "Check the tenant ID"),
        (409, problem(409, title="In conflict"), "In conflict"),
    ],
)
def test_a_refusal_says_what_to_do_whatever_its_body(
    titan: Titan, credential: ServiceTitanCredential, status: int, body: Any, advice: str
) -> None:
    titan.fault("status", FEED, status=status, body=body)
    with pytest.raises(ServiceTitanApiError) as caught:
        ask(credential)
    error = caught.value
    assert (error.status_code, error.actionable_message, error.code) == (status, advice, "api")
    assert len(titan.calls(FEED)) == 1
    if isinstance(body, dict):
        assert error.trace_id == "00-abc-def-00"


@pytest.mark.parametrize("retry_after", [None, "0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_rate_limit_is_waited_for_in_place(
    titan: Titan, credential: ServiceTitanCredential, settings: Settings, retry_after: str | None
) -> None:
    titan.seed(customers=3)
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    titan.fault("status", FEED, status=429, headers=headers)
    assert len(ask(credential).data) == 3


def test_a_long_wait_postpones_a_worker_and_is_waited_for_by_a_command(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.fault("status", FEED, status=429, headers={"Retry-After": "30"})
    with pytest.raises(RateLimitExceededError) as caught:
        ask(credential)
    error = caught.value
    assert (error.retry_after, error.action, error.code) == (30, Action.POSTPONE, "rate_limit")
    assert error.actionable_message == "Rate limit reached; lower concurrency or wait"
    policy = retry_policy(foreground=True)
    assert policy.should_retry(RateLimitExceededError("", 30.0))
    assert policy.max_retry_after == 120


def test_a_command_never_waits_past_its_deadline(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.fault("status", FEED, status=429, headers={"Retry-After": "30"}, times="forever")
    with pytest.raises(RateLimitExceededError) as caught:
        ask(credential, foreground=True, deadline=Deadline(5), sleep=time.sleep)
    assert caught.value.action is Action.STOP


def test_a_slow_drip_ends_at_the_deadline(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=200)
    titan.fault("slow_drip", FEED, bytes_per_second=2000)
    began = time.monotonic()
    with pytest.raises(SyncTimeoutError) as caught:
        ask(credential, deadline=Deadline(0.6), sleep=time.sleep)
    assert time.monotonic() - began < 2
    assert caught.value.code == "timeout"


def test_secrets_stay_out_of_errors_and_repr(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.fault(
        "status", FEED, status=400, body={"title": f"no {credential.client_secret} {credential.app_key}"}
    )
    with pytest.raises(ServiceTitanApiError) as caught:
        ask(credential)
    shown = f"{caught.value!s} {caught.value!r} {credential!r} {vars(caught.value)}"
    assert "cs1." not in shown
    assert "ak1." not in shown
