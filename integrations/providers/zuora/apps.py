from django.apps import AppConfig


class ZuoraConfig(AppConfig):
    """Zuora's workflows and their runs."""

    name = "integrations.providers.zuora"
    label = "zuora"
    verbose_name = "Zuora"
    default_auto_field = "django.db.models.BigAutoField"
