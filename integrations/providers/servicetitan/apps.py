from django.apps import AppConfig


class ServiceTitanConfig(AppConfig):
    """ServiceTitan: customers and invoices of field-service companies."""

    name = "integrations.providers.servicetitan"
    label = "servicetitan"
    verbose_name = "ServiceTitan"
    default_auto_field = "django.db.models.BigAutoField"
