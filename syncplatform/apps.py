"""The project as an app, so that its system checks are found and its secrets never show up."""

from django.apps import AppConfig


class SyncplatformConfig(AppConfig):
    """Registers the system checks of the settings, and every configured secret for redaction."""

    name = "syncplatform"

    def ready(self) -> None:
        """Does both, once all models are loaded."""
        from django.conf import settings

        from synclogs.redaction import register_secret
        from syncplatform import checks  # noqa: F401

        for secret in settings.SECRETS:
            register_secret(secret)
