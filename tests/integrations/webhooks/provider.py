"""Declares the providers of these tests in a server that has this app."""

from integrations.registry import register
from tests.integrations.webhooks.providers import PROVIDERS

for provider in PROVIDERS:
    register(provider)
