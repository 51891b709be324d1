"""What the client asks for, what it makes of refusals, and how long it waits."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from django.utils import timezone

from integrations.http.errors import Action, BadReply
from integrations.models import AccessToken
from integrations.providers.zuora.access import Access
from integrations.providers.zuora.client import ZuoraClient
from integrations.providers.zuora.errors import (
    LACKS_ACCESS,
    ZuoraAuthenticationError,
    ZuoraConnectionError,
    ZuoraHttpError,
    ZuoraRateLimitError,
)
from integrations.providers.zuora.sandbox.failures import MESSAGE
from tests.integrations.providers.zuora.conftest import ALDER, Zuora

pytestmark = pytest.mark.django_db


def test_pages_of_fifty_are_counted_whatever_host_the_next_one_names(
    zuora: Zuora, client: ZuoraClient
) -> None:
    zuora.seed(workflows=60)
    zuora.sim("behavior", {"next_page": "foreign"})
    first, second = client.workflow_page(1), client.workflow_page(2)
    assert (len(first.records), first.has_more) == (50, True)
    assert (len(second.records), second.has_more) == (10, False)
    asked = [(call["summary"]["page"], call["summary"]["page_length"]) for call in zuora.calls("list")]
    assert asked == [("1", "50"), ("2", "50")]
    assert zuora.sandbox.violations == []


@pytest.mark.parametrize("style", ["absent", "null"])
def test_the_last_page_is_known_however_it_says_so(zuora: Zuora, client: ZuoraClient, style: str) -> None:
    zuora.seed(workflows=3)
    zuora.sim("behavior", {"next_page": style})
    assert not client.workflow_page(1).has_more


def test_an_empty_tenant_has_one_empty_page(zuora: Zuora, client: ZuoraClient) -> None:
    page = client.workflow_page(1)
    assert (page.records, page.has_more) == ([], False)


def test_a_large_body_arrives_compressed(zuora: Zuora, client: ZuoraClient) -> None:
    zuora.seed(workflows=50)
    client.workflow_page(1)
    call = zuora.calls("list")[0]
    assert call["summary"]["accept-encoding"] == "gzip"
    assert call["bytes"] < 6000


def test_one_token_serves_many_calls_and_clients(zuora: Zuora, access: Access, client: ZuoraClient) -> None:
    zuora.seed()
    client.workflow_page(1)
    client.workflow_page(1)
    with ZuoraClient(access) as other:
        other.workflow_page(1)
    assert len(zuora.calls("token")) == 1


def test_a_token_is_used_until_a_minute_before_its_end(
    zuora: Zuora, access: Access, client: ZuoraClient
) -> None:
    client.workflow_page(1)
    [kept] = AccessToken.objects.all()
    assert kept.expires_at is not None
    assert 3535 <= (kept.expires_at - timezone.now()).total_seconds() <= 3539
    AccessToken.objects.update(expires_at=timezone.now())
    with ZuoraClient(access) as other:
        other.workflow_page(1)
    assert len(zuora.calls("token")) == 2


def test_a_token_belongs_to_its_entity_and_secret(zuora: Zuora, access: Access, client: ZuoraClient) -> None:
    client.workflow_page(1)
    zuora.sim("tenants", {ALDER.client_id: {"client_secret": "new"}})
    for changed in (
        replace(access, client_secret="new"),
        replace(access, client_secret="new", entity_id="e"),
    ):
        with ZuoraClient(changed) as other:
            other.workflow_page(1)
    assert len(zuora.calls("token")) == 3


def test_a_token_that_died_early_is_replaced_once(zuora: Zuora, client: ZuoraClient) -> None:
    client.workflow_page(1)
    zuora.sim("expire_tokens", {})
    client.workflow_page(1)
    assert [call["status"] for call in zuora.calls("list")] == [200, 401, 200]
    assert len(zuora.calls("token")) == 2


def test_a_second_refusal_of_a_token_is_final(zuora: Zuora, client: ZuoraClient) -> None:
    zuora.fail_next("errors_text", 401, times=5)
    with pytest.raises(ZuoraAuthenticationError, match=MESSAGE):
        client.workflow_page(1)
    assert len(zuora.calls("list")) == 2


@pytest.mark.parametrize("refusal", ["oauth", "message"])
@pytest.mark.parametrize("cause", ["secret", "data_center"])
def test_a_wrong_secret_and_a_wrong_data_center_look_the_same(
    zuora: Zuora, client: ZuoraClient, refusal: str, cause: str
) -> None:
    zuora.sim("behavior", {"refusal": refusal})
    change = {"client_secret": "other"} if cause == "secret" else {"data_center": "eu"}
    zuora.sim("tenants", {ALDER.client_id: change})
    with pytest.raises(ZuoraAuthenticationError, match="Client authentication failed") as caught:
        client.workflow_page(1)
    assert (caught.value.action, caught.value.code) == (Action.STOP, "unauthorized")
    assert len(zuora.calls("token")) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_the_token_endpoint_refuses_in_three_ways(zuora: Zuora, client: ZuoraClient, status: int) -> None:
    zuora.fail_next("oauth", status, path="/oauth/token")
    with pytest.raises(ZuoraAuthenticationError, match=MESSAGE):
        client.workflow_page(1)


def test_too_many_token_calls_put_the_work_off(
    zuora: Zuora, client: ZuoraClient, sleeps: list[float]
) -> None:
    zuora.sim("behavior", {"tokens_per_minute": 0})
    with pytest.raises(ZuoraRateLimitError) as caught:
        client.workflow_page(1)
    assert caught.value.action is Action.POSTPONE
    assert len(zuora.calls("token")) == 1


def test_secrets_go_to_the_token_endpoint_only_and_nowhere_else(
    zuora: Zuora, client: ZuoraClient, caplog: pytest.LogCaptureFixture
) -> None:
    zuora.seed()
    caplog.set_level("DEBUG")
    client.workflow_page(1)
    assert zuora.sandbox.violations == []
    assert ALDER.client_secret not in repr(client._access) + caplog.text


def test_entity_organizations_and_track_id_are_said_in_headers(zuora: Zuora) -> None:
    access = Access(zuora.url, ALDER.client_id, ALDER.client_secret, "entity-1", "org-1,org-2")
    with ZuoraClient(access, track_id="syncplatform-42") as client:
        client.workflow_page(1)
    said = zuora.calls("list")[0]["summary"]
    assert said["zuora-entity-ids"] == "entity-1"
    assert said["zuora-org-ids"] == "org-1,org-2"
    assert said["zuora-track-id"] == "syncplatform-42"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("errors", MESSAGE),
        ("errors_text", MESSAGE),
        ("errors_capital", MESSAGE),
        ("reasons_fields", f"page: {MESSAGE}"),
        ("reasons_codes", MESSAGE),
        ("message", MESSAGE),
        ("oauth", MESSAGE),
        ("text", MESSAGE),
        ("html", f"Sorry {MESSAGE}"),
        ("empty", ""),
    ],
)
def test_every_shape_of_a_refusal_is_understood(
    zuora: Zuora, client: ZuoraClient, shape: str, message: str
) -> None:
    zuora.fail_next(shape, 409)
    with pytest.raises(ZuoraHttpError) as caught:
        client.workflow_page(1)
    error = caught.value
    assert (error.status, error.vendor_message, error.action) == (409, message, Action.RETRY)
    assert len(error.request_id) == 32
    assert error.request_id in str(error)


def test_the_status_of_http_counts_and_not_that_inside_the_body(zuora: Zuora, client: ZuoraClient) -> None:
    zuora.fail_next("errors", 404)
    with pytest.raises(ZuoraHttpError) as caught:
        client.workflow_page(1)
    assert (caught.value.status, caught.value.vendor_code) == (404, "invalid")


def test_a_missing_permission_is_named_and_not_retried(zuora: Zuora, client: ZuoraClient) -> None:
    zuora.sim("tenants", {ALDER.client_id: {"permissions": ["run"]}})
    with pytest.raises(ZuoraHttpError, match=LACKS_ACCESS) as caught:
        client.workflow_page(1)
    assert (caught.value.action, caught.value.code) == (Action.STOP, "forbidden")
    assert len(zuora.calls("list")) == 1


def test_a_failure_inside_a_200_is_a_failure(zuora: Zuora, client: ZuoraClient) -> None:
    zuora.fail_next("reasons_codes", 200)
    with pytest.raises(ZuoraHttpError, match=MESSAGE) as caught:
        client.workflow_page(1)
    assert caught.value.vendor_code == "53100020"


def test_a_bad_credential_inside_a_200_is_an_authentication_error(zuora: Zuora, client: ZuoraClient) -> None:
    zuora.fail_next("bad_credential", 200, times=2)
    with pytest.raises(ZuoraAuthenticationError):
        client.workflow_page(1)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_broken_server_is_asked_five_times(
    zuora: Zuora, client: ZuoraClient, sleeps: list[float], status: int
) -> None:
    zuora.fail_next("html", status, times=4)
    assert client.workflow_page(1).records == []
    assert len(zuora.calls("list")) == 5
    assert len(sleeps) == 4
    assert all(0 <= wait <= limit for wait, limit in zip(sleeps, (1, 2, 4, 8), strict=True))


def test_a_connection_that_breaks_is_tried_again_and_named_in_the_end(
    zuora: Zuora, client: ZuoraClient
) -> None:
    zuora.fault("reset", times="forever")
    with pytest.raises(ZuoraConnectionError) as caught:
        client.workflow_page(1)
    assert caught.value.action is Action.RETRY
    assert len(zuora.calls("list")) == 5


@pytest.mark.parametrize("kind", ["truncated", "not_json"])
def test_a_spoiled_reply_is_asked_for_again(zuora: Zuora, client: ZuoraClient, kind: str) -> None:
    zuora.seed()
    zuora.fault(kind, times=2)
    assert len(client.workflow_page(1).records) == 7
    assert len(zuora.calls("list")) == 3


def test_a_page_of_another_shape_is_a_bad_reply(zuora: Zuora, client: ZuoraClient) -> None:
    zuora.fault("status", status=200, body={"data": {"id": 1}}, times="forever")
    with pytest.raises(BadReply):
        client.workflow_page(1)


def test_a_short_wait_that_zuora_asks_for_is_slept(
    zuora: Zuora, client: ZuoraClient, sleeps: list[float]
) -> None:
    zuora.fail_next("concurrency", 429, headers={"Retry-After": 7})
    client.workflow_page(1)
    assert sleeps == [7.0]


def test_the_usual_concurrency_wait_puts_the_work_off(
    zuora: Zuora, client: ZuoraClient, sleeps: list[float]
) -> None:
    zuora.fail_next("concurrency", 429)
    with pytest.raises(ZuoraRateLimitError, match="50000070") as caught:
        client.workflow_page(1)
    assert (caught.value.retry_after, caught.value.action) == (120.0, Action.POSTPONE)
    assert sleeps == []


def test_a_spent_limit_waits_for_its_reset_since_it_has_no_retry_after(
    zuora: Zuora, client: ZuoraClient, sleeps: list[float]
) -> None:
    zuora.sim("rate", {"limit": 10, "remaining": 0, "reset": 30})
    with pytest.raises(ZuoraRateLimitError) as caught:
        client.workflow_page(1)
    assert 29 <= (caught.value.retry_after or 0) <= 30
    assert sleeps == []


def test_a_limit_that_says_for_how_long_in_words_only_is_understood(
    zuora: Zuora, client: ZuoraClient
) -> None:
    zuora.fail_next("rate", 429)
    with pytest.raises(ZuoraRateLimitError) as caught:
        client.workflow_page(1)
    assert caught.value.retry_after == 600.0


def test_an_inline_run_waits_two_minutes_instead(zuora: Zuora, access: Access, sleeps: list[float]) -> None:
    zuora.fail_next("rate", 429)
    with ZuoraClient(access, inline=True) as client:
        client.workflow_page(1)
    assert sleeps == [120.0]


@pytest.mark.parametrize(("remaining", "pauses"), [(6, False), (5, True)])
def test_at_less_than_a_twentieth_the_next_call_goes_out_after_the_reset(
    zuora: Zuora, client: ZuoraClient, sleeps: list[float], remaining: int, pauses: bool
) -> None:
    zuora.sim("rate", {"limit": 100, "remaining": remaining, "reset": 8})
    client.workflow_page(1)
    client.workflow_page(1)
    assert bool(sleeps) is pauses
    if pauses:
        assert 7 <= sleeps[0] <= 8
        assert client.throttle.last_seen is not None


def test_a_long_pause_before_the_last_calls_puts_the_work_off(zuora: Zuora, client: ZuoraClient) -> None:
    zuora.sim("rate", {"limit": 100, "remaining": 4, "reset": 300})
    client.workflow_page(1)
    with pytest.raises(ZuoraRateLimitError) as caught:
        client.workflow_page(1)
    assert 59 <= (caught.value.retry_after or 0) <= 60
    assert len(zuora.calls("list")) == 1


def test_what_does_not_exist_is_told_from_a_proxy_that_has_no_such_page(
    zuora: Zuora, client: ZuoraClient
) -> None:
    assert client.workflow(987) is None
    zuora.fail_next("html", 404)
    with pytest.raises(ZuoraHttpError):
        client.workflow(987)


def test_a_definition_and_a_run_are_read_by_id(zuora: Zuora, client: ZuoraClient) -> None:
    zuora.seed(workflows=1, runs=1)
    [workflow_id] = zuora.ids()
    [run_id] = zuora.sandbox.tenants[ALDER.client_id].runs
    workflow, run = client.workflow(workflow_id), client.run(run_id)
    assert workflow is not None
    assert run is not None
    assert msgspec.json.decode(workflow)["priority"] == "Medium"
    assert msgspec.json.decode(run)["type"] == "Workflow::Instance"


def test_checking_a_client_asks_for_a_new_token(zuora: Zuora, client: ZuoraClient) -> None:
    client.workflow_page(1)
    zuora.sim("tenants", {ALDER.client_id: {"client_secret": "other"}})
    with pytest.raises(ZuoraAuthenticationError):
        client.check()
