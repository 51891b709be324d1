from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """The engine that every vendor plugs into."""

    name = "integrations"
    verbose_name = "Integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find the providers, now that all models are known, and start the engine's own housekeeping."""
        from integrations import housekeeping, registry

        registry.autodiscover()
        housekeeping.connect()
