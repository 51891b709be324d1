"""Leaving circuits out of reports, which keeps who said so and when."""

from __future__ import annotations

from django import forms
from django.utils import timezone

from accounts.models import User
from circuits.models import Circuit


class ExclusionForm(forms.ModelForm):  # type: ignore[type-arg]
    """The only columns of a circuit that an operator owns."""

    class Meta:
        model = Circuit
        fields = ("is_excluded", "exclusion_reason")

    def clean(self) -> dict[str, object]:
        """A circuit is left out for a reason."""
        cleaned = super().clean() or {}
        if cleaned.get("is_excluded") and not str(cleaned.get("exclusion_reason") or "").strip():
            self.add_error("exclusion_reason", "Say why, so that the next reader understands the report.")
        return cleaned


def save_exclusion(circuit: Circuit, user: User, *, switched: bool) -> None:
    """Write the exclusion and nothing else, since a sync may be writing the rest of the row.

    `switched` says that the circuit was left out or taken back in just now: then who and when are stamped.
    """
    if not circuit.is_excluded:
        circuit.exclusion_reason, circuit.excluded_by, circuit.excluded_at = "", None, None
    elif switched:
        circuit.excluded_by, circuit.excluded_at = user, timezone.now()
    circuit.save(
        update_fields=["is_excluded", "exclusion_reason", "excluded_by", "excluded_at", "updated_at"]
    )
