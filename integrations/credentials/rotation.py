"""Re-encrypting every stored secret with the first key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import F, TextField
from django.db.models.functions import Cast

from integrations.credentials.encryption import SecretUnreadable, decrypt, encrypt, is_current
from integrations.credentials.fields import EncryptedJSONField
from integrations.credentials.sealed import SealedSecrets

BATCH = 200
TRIES = 3


@dataclass(slots=True)
class Rotation:
    """What a rotation found: secrets under the first key, secrets re-encrypted, and what no key opens."""

    current: int = 0
    rotated: int = 0
    unreadable: list[str] = field(default_factory=list)


def encrypted_columns() -> Iterator[tuple[type[models.Model], EncryptedJSONField]]:
    """Every encrypted field of the product."""
    for model in apps.get_models():
        for column in model._meta.local_fields:
            if isinstance(column, EncryptedJSONField):
                yield model, column


def rotate_secrets(*, dry_run: bool) -> Rotation:
    """Re-encrypt, batch by batch, what is not under the first key; a dry run only counts.

    A secret that no key opens is left as it is and named. One that is changed meanwhile is looked at again.
    """
    found = Rotation()
    for model, column in encrypted_columns():
        for batch in _stored_tokens(model, column.name):
            with transaction.atomic():
                for pk, token in batch:
                    _rotate_one(model, column.name, pk, token, found, dry_run=dry_run)
    return found


def _rotate_one(
    model: type[models.Model], name: str, pk: Any, token: str | None, found: Rotation, *, dry_run: bool
) -> None:
    for _ in range(TRIES):
        if token is None:
            return
        if is_current(token):
            found.current += 1
            return
        try:
            text = decrypt(token)
        except SecretUnreadable:
            found.unreadable.append(f"{model._meta.label_lower} {pk}")
            return
        if dry_run or _replace(model, name, pk, token, encrypt(text)):
            found.rotated += 1
            return
        token = _tokens(model, name).filter(pk=pk).values_list("stored_token", flat=True).first()


def _replace(model: type[models.Model], name: str, pk: Any, old: str, new: str) -> bool:
    """Compare and set: nothing happens to a row that somebody else has changed."""
    unchanged = _tokens(model, name).filter(pk=pk, stored_token=old)
    return bool(unchanged.update(**{name: SealedSecrets(new)}))


def _stored_tokens(model: type[models.Model], name: str) -> Iterator[list[tuple[Any, str]]]:
    """The tokens as they are stored, past the field's own sealing, in batches by key."""
    rows = _tokens(model, name).filter(**{f"{name}__isnull": False}).order_by("pk")
    after: dict[str, Any] = {}
    while batch := list(rows.filter(**after).values_list("pk", "stored_token")[:BATCH]):
        after = {"pk__gt": batch[-1][0]}
        yield batch


def _tokens(model: type[models.Model], name: str) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = model._base_manager.all()
    return rows.annotate(stored_token=Cast(F(name), TextField()))
