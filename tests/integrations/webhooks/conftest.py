"""Providers that receive webhooks, and a client that delivers them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from integrations import registry
from integrations.models import Credential
from integrations.webhooks.keys import create_key
from tests.factories import AccountFactory, CredentialFactory
from tests.integrations.webhooks.providers import PROVIDERS


@pytest.fixture(autouse=True)
def _providers() -> Iterator[None]:
    """The providers of these tests, for as long as one of them runs."""
    before = dict(registry._providers)
    for provider in PROVIDERS:
        registry.register(provider)
    yield
    registry._providers.clear()
    registry._providers.update(before)


def credential_of(provider: str, **secrets: Any) -> Credential:
    """A credential of a new account."""
    credential: Credential = CredentialFactory(
        account=AccountFactory(), provider=provider, secrets=secrets, external_id=""
    )
    return credential


@pytest.fixture
def signed(db: None) -> Credential:
    """A credential whose deliveries are signed as Slack's."""
    return credential_of("signed", signing_secret="8b2f6d0c4e1a97533c5d7e9f01a2b3c4")


@pytest.fixture
def plain(db: None) -> Credential:
    """A credential whose address is all that proves a delivery."""
    return credential_of("plain")


def post(client: Client, credential: Credential, body: bytes, key: str = "", **options: Any) -> Any:
    """Deliver a body to a credential's address."""
    options.setdefault("content_type", "application/json")
    return client.post(f"/webhooks/{credential.provider}/{key or create_key(credential)}/", body, **options)
