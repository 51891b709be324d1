from django.apps import AppConfig


class SynclogsConfig(AppConfig):
    """The ledger: runs, issues, jobs and attempts."""

    name = "synclogs"
    verbose_name = "Sync ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Attach the ledger's own receivers."""
        from synclogs import listeners

        listeners.connect()
