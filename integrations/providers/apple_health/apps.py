from django.apps import AppConfig


class AppleHealthConfig(AppConfig):
    """Health records of a phone."""

    name = "integrations.providers.apple_health"
    label = "apple_health"
    verbose_name = "Apple Health"
