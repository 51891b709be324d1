"""The token of a connected account, against a vendor whose refresh tokens work once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from integrations.http.errors import Action, ServerError, Unauthorized
from integrations.http.session import ApiSession
from integrations.models import Credential, CredentialStatus
from integrations.sandbox.exchange import Mount
from integrations.tokens import NeedsReconnect, TokenRefused
from integrations.tokens.errors import TokenEndpointDown
from tests.integrations.tokens.vendor import TokenVendor

pytestmark = pytest.mark.django_db

Connect = Callable[[Credential], ApiSession]


def tokens_asked(vendor: TokenVendor) -> int:
    return len(vendor.asked)


def expires_in(credential: Credential, seconds: float) -> None:
    credential.expires_at = timezone.now() + timedelta(seconds=seconds)
    credential.save()


def test_an_ended_token_is_refreshed_before_the_call(
    credential: Credential, connect: Connect, vendor: TokenVendor, mount: Mount
) -> None:
    connect(credential).request("GET", "things")
    credential.refresh_from_db()
    assert credential.secret("refresh_token") == vendor.refresh_token
    assert credential.secret("access_token") in vendor.access_tokens
    assert credential.token_version == 1
    assert credential.expires_at is not None
    assert timedelta(minutes=14) < credential.expires_at - timezone.now() < timedelta(minutes=16)
    calls = [entry["path"] for entry in mount.journal.snapshot()["entries"]]
    assert calls == ["/token", "/things"]


def test_a_token_is_refreshed_five_minutes_before_its_end(
    credential: Credential, connect: Connect, vendor: TokenVendor
) -> None:
    vendor.access_tokens["access-old"] = timezone.now().timestamp() + 1000
    expires_in(credential, 301)
    connect(credential).request("GET", "things")
    assert tokens_asked(vendor) == 0
    expires_in(credential, 299)
    connect(credential).request("GET", "things")
    assert tokens_asked(vendor) == 1


def test_a_short_token_is_used_for_half_of_its_life(
    credential: Credential, connect: Connect, vendor: TokenVendor
) -> None:
    vendor.lifetime = 60
    session = connect(credential)
    for _ in range(5):
        session.request("GET", "things")
    assert tokens_asked(vendor) == 1


def test_a_token_that_the_vendor_ended_early_is_refreshed_once_and_the_call_repeated(
    credential: Credential, connect: Connect, vendor: TokenVendor, mount: Mount
) -> None:
    session = connect(credential)
    session.request("GET", "things")
    vendor.access_tokens.clear()
    session.request("GET", "things")
    statuses = [entry["status"] for entry in mount.journal.snapshot()["entries"]]
    assert statuses == [200, 200, 401, 200, 200]


def test_a_second_refusal_is_the_end(
    credential: Credential, connect: Connect, vendor: TokenVendor, mount: Mount
) -> None:
    mount.faults.add({"kind": "status", "status": 401, "times": 2, "match": {"path": "things"}})
    with pytest.raises(Unauthorized):
        connect(credential).request("GET", "things")
    credential.refresh_from_db()
    assert (credential.status, credential.status_reason) == (CredentialStatus.NEEDS_ATTENTION, "reauth")


def test_another_process_that_refreshed_meanwhile_is_not_repeated(
    credential: Credential, connect: Connect, vendor: TokenVendor
) -> None:
    one, other = connect(credential), connect(Credential.objects.get(pk=credential.pk))
    one.request("GET", "things")
    other.request("GET", "things")
    assert tokens_asked(vendor) == 1


def test_a_refused_refresh_asks_for_a_person(
    credential: Credential, connect: Connect, vendor: TokenVendor
) -> None:
    vendor.refresh_token = "refresh-of-somebody-else"
    with pytest.raises(TokenRefused, match="used"):
        connect(credential).request("GET", "things")
    credential.refresh_from_db()
    assert (credential.status, credential.status_reason) == (CredentialStatus.NEEDS_ATTENTION, "reauth")
    with pytest.raises(NeedsReconnect) as caught:
        connect(credential).request("GET", "things")
    assert "Reconnect" in caught.value.actionable_message
    assert tokens_asked(vendor) == 1


def test_a_credential_that_waits_for_approval_is_given_up_as_well(
    credential: Credential, connect: Connect, vendor: TokenVendor
) -> None:
    Credential.objects.update(status=CredentialStatus.PENDING_APPROVAL)
    vendor.refresh_token = "refresh-of-somebody-else"
    with pytest.raises(TokenRefused):
        connect(credential).request("GET", "things")
    credential.refresh_from_db()
    assert credential.status == CredentialStatus.NEEDS_ATTENTION


def test_a_disabled_credential_is_not_refreshed(
    credential: Credential, connect: Connect, vendor: TokenVendor
) -> None:
    Credential.objects.update(status=CredentialStatus.DISABLED)
    with pytest.raises(NeedsReconnect):
        connect(credential).request("GET", "things")
    assert tokens_asked(vendor) == 0


def test_without_a_refresh_token_an_ended_token_needs_a_person(
    credential: Credential, connect: Connect
) -> None:
    credential.secrets = {"access_token": "access-old"}
    credential.save()
    with pytest.raises(NeedsReconnect, match="has expired"):
        connect(credential).request("GET", "things")
    credential.refresh_from_db()
    assert credential.status_reason == "reauth"


def test_a_token_endpoint_that_is_down_is_left_alone_for_a_while(
    credential: Credential, connect: Connect, vendor: TokenVendor, mount: Mount
) -> None:
    mount.faults.add({"kind": "status", "status": 503, "match": {"path": "token"}})
    with pytest.raises(ServerError):
        connect(credential).request("GET", "things")
    with pytest.raises(TokenEndpointDown) as caught:
        connect(Credential.objects.get(pk=credential.pk)).request("GET", "things")
    assert caught.value.action is Action.POSTPONE
    assert caught.value.retry_after == pytest.approx(30, abs=2)
    assert mount.faults.snapshot()["faults"] == []
    assert tokens_asked(vendor) == 0
    Credential.objects.update(refresh_again_at=timezone.now())
    connect(credential).request("GET", "things")
    credential.refresh_from_db()
    assert (credential.refresh_failures, credential.refresh_again_at) == (0, None)


def test_a_token_that_has_not_ended_yet_is_used_while_its_refresh_fails(
    credential: Credential, connect: Connect, vendor: TokenVendor, mount: Mount
) -> None:
    vendor.access_tokens["access-old"] = timezone.now().timestamp() + 100
    expires_in(credential, 100)
    mount.faults.add({"kind": "status", "status": 503, "match": {"path": "token"}})
    session = connect(credential)
    session.request("GET", "things")
    session.request("GET", "things")
    assert tokens_asked(vendor) == 0


@pytest.mark.django_db(transaction=True)
def test_a_new_pair_is_kept_even_when_the_database_fails_at_that_moment(
    credential: Credential, connect: Connect, vendor: TokenVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_save, failures = Credential.save, [OperationalError("server closed the connection")]

    def save(self: Credential, *args: object, **kwargs: object) -> None:
        if failures:
            raise failures.pop()
        real_save(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Credential, "save", save)
    connect(credential).request("GET", "things")
    credential.refresh_from_db()
    assert credential.secret("refresh_token") == vendor.refresh_token
    assert tokens_asked(vendor) == 1


def test_no_token_shows_up_in_logs_or_errors(
    credential: Credential, connect: Connect, vendor: TokenVendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    session = connect(credential)
    session.request("GET", "things")
    vendor.access_tokens.clear()
    vendor.refresh_token = "refresh-other"
    with pytest.raises(TokenRefused) as caught:
        session.request("GET", "things")
    credential.refresh_from_db()
    shown = caplog.text + str(caught.value) + repr(caught.value)
    for secret in ("access-", "refresh-", "planted-client-secret"):
        assert secret not in shown
