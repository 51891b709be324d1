"""What providers plug into the pages of credentials, so that these need to know none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from integrations.models import Credential


@dataclass(frozen=True, slots=True)
class CredentialSort:
    """How the credentials of a provider are entered and tried.

    `secrets` are (name, label, help text) of what is entered; all of them are needed, and none are where they
    come through a consent page. `test` makes one cheap
    call with a credential and raises IntegrationError when the vendor does not take it; None where there is
    no such call. `connected` makes the connections of a credential whose secrets were entered, where entering
    them is all that connecting takes; it is called in the transaction that stores them.
    """

    provider: str
    label: str
    secrets: tuple[tuple[str, str, str], ...]
    kind: str = "basic"
    test: Callable[[Credential], None] | None = None
    connected: Callable[[Credential], object] | None = None


_sorts: dict[str, CredentialSort] = {}


def add_credential_sort(sort: CredentialSort) -> None:
    """Say how the credentials of a provider are entered. Called once a provider, by its admin."""
    _sorts[sort.provider] = sort


def credential_sorts() -> list[CredentialSort]:
    """Every provider whose credentials can be entered, by label."""
    entered = (sort for sort in _sorts.values() if sort.secrets)
    return sorted(entered, key=lambda sort: sort.label)


def credential_sort(provider: str) -> CredentialSort | None:
    """How the credentials of this provider are entered; None where nobody said."""
    return _sorts.get(provider)
