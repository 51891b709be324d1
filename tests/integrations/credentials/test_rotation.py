"""rotate_secrets: everything to the first key, whatever happens meanwhile."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import Account
from integrations.credentials import rotation
from integrations.credentials.encryption import encrypt, is_current
from integrations.credentials.rotation import rotate_secrets
from integrations.models import Credential
from synclogs.models import CommandExecution

pytestmark = pytest.mark.django_db

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture(autouse=True)
def _old_key(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]


def make(number: int) -> Credential:
    return Credential.objects.create(
        account=Account.objects.platform(),
        provider="workstudio",
        external_id=str(number),
        secrets={"password": f"planted-{number}"},
    )


def tokens() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, secrets FROM credentials ORDER BY id")
        return dict(cursor.fetchall())


def set_token(pk: int, token: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credentials SET secrets = %s WHERE id = %s", [token, pk])


def call(*args: str) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("rotate_secrets", "--json", *args, stdout=out, stderr=io.StringIO())
    except SystemExit as error:
        return int(str(error.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_all_batches_go_to_the_first_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 3)
    for number in range(8):
        make(number)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    found = rotate_secrets(dry_run=False)
    assert (found.current, found.rotated, found.unreadable) == (0, 8, [])
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert [row.secret("password") for row in Credential.objects.order_by("pk")] == [
        f"planted-{number}" for number in range(8)
    ]
    assert rotate_secrets(dry_run=False).current == 8


def test_a_dry_run_writes_nothing(settings: Settings) -> None:
    make(1)
    before = tokens()
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert call("--dry-run") == (0, call("--dry-run")[1] | {"duration_ms": pytest.approx(0, abs=10_000)})
    assert call("--dry-run")[1]["counters"] == {
        "current": 0,
        "rotated": 1,
        "unreadable": 0,
        "webhook_keys": 0,
    }
    assert tokens() == before
    assert not CommandExecution.objects.exists()


def test_what_no_key_opens_is_left_and_named(settings: Settings) -> None:
    good, lost = make(1), make(2)
    settings.FIELD_ENCRYPTION_KEYS = [LOST]
    set_token(lost.pk, encrypt("{}"))
    before = tokens()[lost.pk]
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    code, answer = call()
    assert code == 1
    assert answer["counters"] == {"current": 0, "rotated": 1, "unreadable": 1, "webhook_keys": 0}
    assert answer["unreadable"] == [f"integrations.credential {lost.pk}"]
    assert "FIELD_ENCRYPTION_KEYS" in answer["errors"][0]["message"]
    assert tokens()[lost.pk] == before
    assert is_current(tokens()[good.pk])


def test_a_row_that_changes_meanwhile_keeps_the_change_and_is_rotated(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = make(1)
    changed = encrypt('{"password": "planted-changed"}')
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    decrypt = rotation.decrypt
    touched: list[str] = []

    def while_it_looks(token: str) -> str:
        if not touched:
            touched.append(token)
            set_token(credential.pk, changed)
        return decrypt(token)

    monkeypatch.setattr(rotation, "decrypt", while_it_looks)
    found = rotate_secrets(dry_run=False)
    assert found.rotated == 1
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert Credential.objects.get().secret("password") == "planted-changed"


def test_a_row_that_goes_meanwhile_is_no_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    make(1)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    decrypt = rotation.decrypt

    def while_it_looks(token: str) -> str:
        Credential.objects.all().delete()
        return decrypt(token)

    monkeypatch.setattr(rotation, "decrypt", while_it_looks)
    assert rotate_secrets(dry_run=False).rotated == 0


def test_people_get_one_line(settings: Settings) -> None:
    make(1)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    out = io.StringIO()
    call_command("rotate_secrets", stdout=out)
    assert out.getvalue() == "1 secrets re-encrypted, 0 have the first key already.\n"
