"""Tokens of a client's own: one for all processes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from integrations.http.errors import ServerError, Unauthorized
from integrations.http.session import ApiSession
from integrations.models import AccessToken
from integrations.sandbox.exchange import Mount
from integrations.tokens import ClientCredentials, TokenRefused
from integrations.tokens.errors import TokenEndpointDown
from tests.integrations.tokens.vendor import CLIENT_SECRET, TokenVendor

pytestmark = pytest.mark.django_db

Client = Callable[..., tuple[ApiSession, ClientCredentials]]


def test_one_token_serves_every_session(client: Client, vendor: TokenVendor) -> None:
    for _ in range(3):
        client()[0].request("GET", "things")
    assert [form["grant_type"] for form in vendor.asked] == ["client_credentials"]


def test_a_token_is_used_until_a_minute_before_its_end(client: Client, vendor: TokenVendor) -> None:
    client()[0].request("GET", "things")
    row = AccessToken.objects.get()
    assert row.expires_at is not None
    lasts = row.expires_at - timezone.now()
    assert timedelta(seconds=835) < lasts <= timedelta(seconds=840)
    AccessToken.objects.update(expires_at=timezone.now())
    client()[0].request("GET", "things")
    assert len(vendor.asked) == 2


def test_a_token_is_encrypted_and_its_key_holds_no_secret(client: Client, vendor: TokenVendor) -> None:
    client()[0].request("GET", "things")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access_tokens")
        stored = str(cursor.fetchall())
    assert not any(token in stored for token in vendor.access_tokens)
    client(CLIENT_SECRET + "-new")[0].request("GET", "things")
    assert AccessToken.objects.count() == 1


def test_identities_have_tokens_of_their_own(client: Client, vendor: TokenVendor) -> None:
    client(identity="entity 1")[0].request("GET", "things")
    client(identity="entity 2")[0].request("GET", "things")
    assert len(vendor.asked) == 2


def test_a_refused_token_is_replaced_and_the_call_repeated(
    client: Client, vendor: TokenVendor, mount: Mount
) -> None:
    session, _ = client()
    session.request("GET", "things")
    vendor.access_tokens.clear()
    session.request("GET", "things")
    assert [entry["status"] for entry in mount.journal.snapshot()["entries"]] == [200, 200, 401, 200, 200]


def test_a_second_refusal_is_reported(client: Client, mount: Mount) -> None:
    mount.faults.add({"kind": "status", "status": 401, "times": 2, "match": {"path": "things"}})
    heard: list[Unauthorized] = []
    session, _ = client(on_refused=heard.append)
    with pytest.raises(Unauthorized) as caught:
        session.request("GET", "things")
    assert heard == [caught.value]


def test_a_wrong_secret_is_reported_and_not_asked_for_again_by_others(
    client: Client, vendor: TokenVendor
) -> None:
    heard: list[Unauthorized] = []
    with pytest.raises(TokenRefused, match="invalid_client"):
        client("wrong", on_refused=heard.append)[0].request("GET", "things")
    assert len(heard) == len(vendor.asked) == 1
    with pytest.raises(TokenEndpointDown):
        client("wrong")[0].request("GET", "things")
    assert len(vendor.asked) == 1


def test_a_failing_endpoint_is_asked_again_by_policy(
    client: Client, vendor: TokenVendor, mount: Mount
) -> None:
    mount.faults.add({"kind": "status", "status": 503, "times": 2, "match": {"path": "token"}})
    client()[0].request("GET", "things")
    assert len(vendor.asked) == 1
    assert AccessToken.objects.get().failures == 0


def test_an_endpoint_that_stays_down_is_left_alone_for_a_while(client: Client, mount: Mount) -> None:
    mount.faults.add({"kind": "status", "status": 503, "times": "forever", "match": {"path": "token"}})
    with pytest.raises(ServerError):
        client()[0].request("GET", "things")
    tried = mount.journal.counts()["requests"]
    with pytest.raises(TokenEndpointDown):
        client()[0].request("GET", "things")
    assert mount.journal.counts()["requests"] == tried


def test_checking_a_client_asks_and_keeps_nothing(client: Client, vendor: TokenVendor) -> None:
    client()[1].check()
    with pytest.raises(TokenRefused):
        client("wrong")[1].check()
    assert len(vendor.asked) == 2
    assert not AccessToken.objects.exists()
