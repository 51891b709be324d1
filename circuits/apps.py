from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from circuits.lookup_rows import REGIONS, STATUS_CONFIGS, unit_types


def create_lookup_rows(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Make the regions, status settings and unit types that every installation starts with."""
    from circuits.models import ApiStatusConfig, Region, UnitType

    for order, (name, code) in enumerate(REGIONS, start=1):
        Region.objects.using(using).get_or_create(name=name, defaults={"code": code, "sort_order": order})
    for order, (status, label, frequency, units) in enumerate(STATUS_CONFIGS, start=1):
        ApiStatusConfig.objects.using(using).get_or_create(
            api_status=status,
            defaults={
                "display_name": label,
                "sync_frequency": frequency,
                "sync_planned_units": units,
                "sort_order": order,
            },
        )
    UnitType.objects.using(using).bulk_create(
        (UnitType(**columns) for columns in unit_types()), ignore_conflicts=True
    )


class CircuitsConfig(AppConfig):
    """WorkStudio circuits and the people who plan them."""

    name = "circuits"
    verbose_name = "Circuits"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Seed the look-up rows after each migrate, and declare the live channel of a circuit."""
        from circuits import channels

        channels.connect()
        post_migrate.connect(create_lookup_rows, sender=self)
