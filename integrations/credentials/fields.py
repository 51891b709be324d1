"""A model field whose value is encrypted in the database: docs/security.md, "Secrets at rest"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable, Expression

from integrations.credentials.sealed import SealedSecrets, seal


class EncryptedJSONField(models.TextField[Mapping[str, Any] | Combinable, Mapping[str, Any]]):
    """A JSON object, encrypted as a whole. It cannot be searched, and its values never reach a log.

    Rows come with SealedSecrets, which are opened when they are looked into. No form has this field and no
    fixture its value.
    """

    description = "Encrypted JSON object"
    empty_values = (None,)

    def get_prep_value(self, value: Any) -> str | None:
        """Encrypt what is to be stored; what was not opened is stored as it is.

        Raises TypeError for what is no object.
        """
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise TypeError(f"{self.name} takes an object of secrets, not {type(value).__name__}")
        return seal(value)

    def from_db_value(
        self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> SealedSecrets | None:
        """What was stored, still sealed."""
        return None if value is None else SealedSecrets(value)

    def to_python(self, value: Any) -> Any:
        """An object as it is; the nothing that a fixture has in its place is an empty one."""
        if value == "":
            return {}
        if value is not None and not isinstance(value, Mapping):
            raise ValidationError(f"{self.name} takes an object of secrets.")
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """Never serialized: a fixture must not hold secrets."""
        return ""

    def formfield(self, *args: Any, **kwargs: Any) -> None:
        """No form shows it: whoever enters secrets uses fields of their own, which only write."""

    def get_lookup(self, lookup_name: str) -> Any:
        """Only `isnull` makes sense on an encrypted value."""
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted and cannot be searched with {lookup_name!r}")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        """None: there is nothing to look up inside."""
        return None
