"""What Monzo adds to the pages of credentials: a test."""

from __future__ import annotations

from integrations.admin.ports import CredentialSort, add_credential_sort
from integrations.models import Credential
from integrations.providers.monzo.client import PROVIDER, MonzoClient


def _test(credential: Credential) -> None:
    with MonzoClient.of(credential) as client:
        client.whoami()


add_credential_sort(CredentialSort(PROVIDER, "Monzo", (), kind="oauth2", test=_test))
