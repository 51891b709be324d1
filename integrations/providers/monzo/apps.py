"""Monzo as an installed app."""

from django.apps import AppConfig


class MonzoConfig(AppConfig):
    """A provider folder: `provider.py` is found by itself."""

    name = "integrations.providers.monzo"
    label = "monzo"
    verbose_name = "Monzo"
