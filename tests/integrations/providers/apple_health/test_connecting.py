"""Connecting a phone in the admin."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from accounts.models import User
from integrations.models import Credential
from integrations.providers.apple_health.connecting import connect
from tests.factories import UserFactory


def test_a_header_key_for_a_user_makes_both_connections(client: Client, owner: User) -> None:
    client.force_login(UserFactory(is_superuser=True))
    account = owner.membership_set.get().account
    form = {"provider": "apple_health", "account": account.pk, "user": owner.pk, "label": "Phone"}
    url = f"{reverse('admin:integrations_credential_add')}?provider=apple_health"
    answer = client.post(
        f"{url}?provider=apple_health", form | {"new_secret_header_key": "typed-into-the-app"}
    )
    assert answer.status_code == 302, answer.content
    credential = Credential.objects.get(provider="apple_health")
    assert credential.secret("header_key") == "typed-into-the-app"
    assert set(credential.integrations.values_list("instance_type", "user")) == {
        ("metrics", owner.pk),
        ("workouts", owner.pk),
    }


def test_connecting_again_restores_what_was_removed(owner: User) -> None:
    account = owner.membership_set.get().account
    credential = connect(account, owner)
    credential.integrations.update(deleted_at=credential.created_at)
    assert connect(account, owner) == credential
    assert credential.integrations.filter(deleted_at=None).count() == 2
