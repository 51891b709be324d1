from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """What operators look at across rooms."""

    name = "operations"
    verbose_name = "Operations"
    default_auto_field = "django.db.models.BigAutoField"
