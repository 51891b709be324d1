"""The keys of addresses: found by hash, rotated with an overlap, and found again after a change of the
encryption key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import IntegrityError
from django.utils import timezone
from pytest_django.fixtures import Settings

from integrations.models import Credential, WebhookKey
from integrations.webhooks.keys import address, create_key, current_key, find_recipient, rotate_key
from tests.integrations.webhooks.conftest import credential_of


def found(credential: Credential, key: str) -> bool:
    """Whether an address leads to this credential."""
    recipient = find_recipient(credential.provider, key, timezone.now())
    return recipient is not None and recipient.credential_id == credential.pk


def test_a_key_is_long_and_random_and_only_its_hash_can_be_read(plain: Credential) -> None:
    key, other = create_key(plain), create_key(plain)
    assert key != other
    assert len(key) >= 32
    for row in WebhookKey.objects.extra(select={"stored": "sealed"}):
        assert key not in row.digest
        assert key not in str(row.stored)


def test_the_current_key_is_the_newest_and_made_once(plain: Credential) -> None:
    first = current_key(plain)
    assert current_key(plain) == first
    assert WebhookKey.objects.count() == 1
    assert create_key(plain) == current_key(plain) != first


def test_the_address_is_below_the_sites(plain: Credential, settings: Settings) -> None:
    settings.SITE_URL = "https://sync.example.com"
    assert address(plain) == f"https://sync.example.com/webhooks/plain/{current_key(plain)}/"


def test_both_keys_work_during_a_rotation(plain: Credential) -> None:
    old = create_key(plain)
    new = rotate_key(plain, overlap=timedelta(hours=1))
    assert found(plain, old)
    assert found(plain, new)
    WebhookKey.objects.filter(retires_at__isnull=False).update(retires_at=timezone.now())
    assert not found(plain, old)
    assert found(plain, new)


def test_a_key_of_ones_own_must_be_long_and_may_be_used_once(plain: Credential) -> None:
    with pytest.raises(ValueError, match="32 to 200"):
        create_key(plain, "too-easy")
    own = "k" * 40
    assert create_key(plain, own) == own
    with pytest.raises(IntegrityError):
        create_key(credential_of("plain"), own)


def test_keys_are_found_before_and_after_the_encryption_key_changed(
    plain: Credential, settings: Settings
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    plain.replace_secrets({})
    key = create_key(plain)
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    assert found(plain, key)
    call_command("rotate_secrets", "--quiet")
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert found(plain, key)


def test_what_was_found_is_believed_for_a_while(
    plain: Credential, settings: Settings, django_assert_num_queries: Any
) -> None:
    key = create_key(plain)
    settings.WEBHOOK_KEY_SECONDS = 60
    with django_assert_num_queries(1):
        assert all(found(plain, key) for _ in range(3))
    with django_assert_num_queries(2):
        assert not found(plain, "x" * 43)
        assert not found(plain, "x" * 43)
