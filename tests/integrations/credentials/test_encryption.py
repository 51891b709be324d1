"""Secrets at rest: encrypted, sealed, failing closed, shown nowhere."""

from __future__ import annotations

import copy
import io
import json
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.utils import display_for_field
from django.core import serializers
from django.core.exceptions import FieldError, ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F, Max, TextField
from django.db.models.functions import Cast
from django.forms import modelform_factory
from pytest_django import Settings

from accounts.models import Account
from integrations.credentials.encryption import SecretUnreadable, decrypt, encrypt, is_current
from integrations.credentials.sealed import SealedSecrets
from integrations.models import Credential
from synclogs.redaction import redact_text

pytestmark = pytest.mark.django_db

SECRETS = {
    "username": "TREECO\\planted-name",
    "password": "planted-password-1",
    "more": {"list": ["planted-deep-2"]},
}


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> list[str]:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    found: list[str] = settings.FIELD_ENCRYPTION_KEYS
    return found


def make(**options: Any) -> Credential:
    options = {"account": Account.objects.platform(), "provider": "workstudio", "secrets": SECRETS} | options
    return Credential.objects.create(**options)


def stored(credential: Credential) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM credentials WHERE id = %s", [credential.pk])
        return str(cursor.fetchone()[0])


def test_the_database_holds_no_secret() -> None:
    text = stored(make())
    assert "planted" not in text
    assert "username" not in text
    assert json.loads(decrypt(text)) == SECRETS


def test_what_was_stored_comes_back() -> None:
    credential = Credential.objects.get(pk=make().pk)
    assert dict(credential.secrets) == SECRETS
    assert credential.secret("password") == "planted-password-1"
    assert credential.secret("nothing") == ""


def test_every_way_of_reading_is_sealed_until_looked_into() -> None:
    pk = make().pk
    ways: list[Any] = [
        Credential.objects.get(pk=pk).secrets,
        Credential.objects.defer("secrets").get(pk=pk).secrets,
        Credential.objects.only("pk").get(pk=pk).secrets,
        Credential.objects.values_list("secrets", flat=True).get(pk=pk),
        Credential.objects.values("secrets").get(pk=pk)["secrets"],
        Credential.objects.raw("SELECT * FROM credentials WHERE id = %s", [pk])[0].secrets,
        Credential.objects.annotate(again=F("secrets")).get(pk=pk).again,
        Credential.objects.aggregate(top=Max("secrets"))["top"],
    ]
    for found in ways:
        assert isinstance(found, SealedSecrets)
        assert "planted" not in f"{found} {found!r}"
        assert dict(found) == SECRETS


def test_saving_what_was_not_opened_keeps_it_as_it_is() -> None:
    credential = Credential.objects.get(pk=make().pk)
    before = stored(credential)
    credential.label = "renamed"
    credential.save()
    assert stored(credential) == before


def test_secrets_are_kept_out_of_logs_from_the_moment_they_are_known() -> None:
    make(secrets={"api": "planted-when-written"})
    assert "planted" not in redact_text("sent planted-when-written to the vendor")
    with connection.cursor() as cursor:
        token = encrypt('{"a": {"b": ["planted-when-read"]}}')
        cursor.execute("UPDATE credentials SET secrets = %s", [token])
    assert redact_text("planted-when-read") == "planted-when-read"
    assert Credential.objects.get().secrets["a"]
    assert "planted" not in redact_text("planted-when-read")


def test_names_of_people_stay_readable_in_logs() -> None:
    make(secrets={"username": "service-account", "password": "planted-beside-it"})
    assert redact_text("service-account planted-beside-it") == "service-account [redacted]"


def test_the_keys_themselves_are_kept_out_of_logs(keys: list[str]) -> None:
    make()
    assert keys[0] not in redact_text(f"the key is {keys[0]}")


def test_without_a_key_nothing_is_written_or_read(settings: Settings) -> None:
    credential = Credential.objects.get(pk=make().pk)
    settings.FIELD_ENCRYPTION_KEYS = []
    with pytest.raises(ImproperlyConfigured, match="neither stored nor read"), transaction.atomic():
        make(external_id="2")
    with pytest.raises(ImproperlyConfigured, match="neither stored nor read"):
        credential.secret("password")
    assert Credential.objects.count() == 1


def test_with_a_malformed_key_too(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["short"]
    with pytest.raises(ImproperlyConfigured, match="32 bytes") as caught:
        make()
    assert "short" not in str(caught.value)


def test_with_the_wrong_key_only_looking_inside_fails(settings: Settings) -> None:
    make()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    good = make(external_id="good")
    bad, fine = Credential.objects.order_by("pk")
    assert fine.secret("password") == "planted-password-1"
    with pytest.raises(SecretUnreadable) as caught:
        bad.secret("password")
    assert stored(bad) not in f"{caught.value} {caught.value.__cause__}"
    bad.label = "still editable"
    bad.save()
    bad.delete()
    assert list(Credential.objects.all()) == [good]


@pytest.mark.parametrize("stored_text", ["", "not a token", "gAAAAA", "ключ"])
def test_a_damaged_secret_is_unreadable(stored_text: str) -> None:
    credential = make()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credentials SET secrets = %s", [stored_text])
    credential.refresh_from_db()
    with pytest.raises(SecretUnreadable):
        credential.secret("password")


def test_older_keys_still_read(settings: Settings, keys: list[str]) -> None:
    credential = make()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *keys]
    assert Credential.objects.get().secret("password") == "planted-password-1"
    assert not is_current(stored(credential))
    assert is_current(encrypt("x"))


@pytest.mark.parametrize(
    "lookup", ["secrets", "secrets__contains", "secrets__gt", "secrets__in", "secrets__regex"]
)
def test_it_cannot_be_searched(lookup: str) -> None:
    with pytest.raises(FieldError):
        list(Credential.objects.filter(**{lookup: "planted"}))


def test_whether_there_are_any_can_be_asked() -> None:
    make()
    assert Credential.objects.filter(secrets__isnull=False).exists()


def test_no_fixture_holds_them(tmp_path: Any) -> None:
    make()
    out = io.StringIO()
    call_command("dumpdata", "integrations.credential", stdout=out)
    assert "planted" not in out.getvalue()
    assert stored(Credential.objects.get()) not in out.getvalue()
    for kind in ("json", "xml", "python", "jsonl"):
        assert "planted" not in str(
            serializers.serialize(kind, [*Credential.objects.all(), make(external_id=kind)])
        )
    Credential.objects.all().delete()
    fixture = tmp_path / "credentials.json"
    fixture.write_text(out.getvalue())
    call_command("loaddata", str(fixture), verbosity=0)
    assert dict(Credential.objects.get().secrets) == {}


def test_no_form_and_no_admin_cell_shows_them() -> None:
    credential = Credential.objects.get(pk=make().pk)
    form = modelform_factory(Credential, fields="__all__")(instance=credential)
    assert "secrets" not in form.fields
    assert "planted" not in form.as_p()
    field = Credential._meta.get_field("secrets")
    assert "planted" not in str(display_for_field(credential.secrets, field, "-"))
    assert "planted" not in f"{credential} {credential!r} {credential.secrets} {vars(credential)}"


def test_pickles_and_copies_hold_only_the_token() -> None:
    credential = Credential.objects.get(pk=make().pk)
    assert credential.secret("password")
    packed = pickle.dumps(credential)
    assert b"planted" not in packed
    assert pickle.loads(packed).secret("password") == "planted-password-1"
    assert dict(copy.deepcopy(credential.secrets)) == SECRETS


def test_they_are_read_only_and_replaced_as_a_whole() -> None:
    credential = Credential.objects.get(pk=make().pk)
    with pytest.raises(TypeError):
        credential.secrets["password"] = "x"  # type: ignore[index]
    credential.secrets = {**credential.secrets, "password": "planted-new-3"}
    credential.save()
    assert Credential.objects.get().secret("password") == "planted-new-3"


@pytest.mark.parametrize("value", ["text", 7, ["list"]])
def test_only_objects_are_taken(value: Any) -> None:
    with pytest.raises(TypeError, match="takes an object"):
        make(secrets=value)
    with pytest.raises(ValidationError):
        Credential(secrets=value).clean_fields(exclude=["account", "provider"])


def test_bulk_writes_encrypt_too() -> None:
    account = Account.objects.platform()
    Credential.objects.bulk_create(
        [
            Credential(account=account, provider="p", external_id=str(n), secrets={"n": "planted-bulk"})
            for n in "12"
        ]
    )
    Credential.objects.update(secrets={"n": "planted-updated"})
    rows = list(Credential.objects.all())
    assert all("planted" not in stored(row) for row in rows)
    for row in rows:
        row.secrets = {"n": "planted-bulk-update"}
    Credential.objects.bulk_update(rows, ["secrets"])
    assert {row.secret("n") for row in Credential.objects.all()} == {"planted-bulk-update"}


def test_the_token_can_be_had_for_rotation_only_as_text() -> None:
    credential = make()
    rows = Credential.objects.annotate(token=Cast("secrets", TextField()))
    token = rows.values_list("token", flat=True).get()
    assert token == stored(credential)


def test_sealed_secrets_are_a_mapping() -> None:
    sealed = SealedSecrets(encrypt("{}"))
    assert isinstance(sealed, Mapping)
    assert bool(sealed)
    assert len(sealed) == 0
