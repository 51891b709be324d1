"""When a credential needs attention, and the way back."""

from __future__ import annotations

import pytest

from accounts.models import Account
from integrations.models import Credential, CredentialStatus

pytestmark = pytest.mark.django_db


def make(status: str = CredentialStatus.ACTIVE) -> Credential:
    return Credential.objects.create(
        account=Account.objects.platform(),
        provider="workstudio",
        secrets={"password": "old-one"},
        status=status,
    )


def test_a_refusal_takes_it_out_of_use() -> None:
    credential = make()
    credential.mark_refused("unauthorized")
    assert (credential.status, credential.status_reason) == (CredentialStatus.NEEDS_ATTENTION, "unauthorized")
    credential.mark_refused("unauthorized")
    assert credential.failure_count == 2
    assert not Credential.objects.usable().exists()


def test_new_secrets_bring_it_back() -> None:
    credential = make()
    credential.mark_refused("unauthorized")
    credential.replace_secrets({"password": "new-one"})
    found = Credential.objects.usable().get()
    assert (found.status_reason, found.failure_count, found.token_version) == ("", 0, 1)
    assert found.secret("password") == "new-one"


def test_an_accepted_one_is_active_again() -> None:
    credential = make()
    credential.mark_refused("unauthorized")
    credential.mark_used()
    assert (credential.status, credential.failure_count) == (CredentialStatus.ACTIVE, 0)
    assert credential.last_used_at is not None


def test_a_late_refusal_of_old_secrets_does_not_hit_the_new_ones() -> None:
    working_on_it = make()
    Credential.objects.get().replace_secrets({"password": "new-one"})
    working_on_it.mark_refused("unauthorized")
    assert Credential.objects.usable().exists()


@pytest.mark.parametrize("status", [CredentialStatus.REVOKED, CredentialStatus.DISABLED])
def test_what_a_person_decided_stays(status: str) -> None:
    credential = make(status)
    credential.mark_used()
    credential.mark_refused("unauthorized")
    assert Credential.objects.get().status == status
