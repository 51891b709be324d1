from django.apps import AppConfig


class HevyConfig(AppConfig):
    """Workouts logged in Hevy."""

    name = "integrations.providers.hevy"
    label = "hevy"
    verbose_name = "Hevy"
