"""Hevy, as the engine knows it."""

from integrations import registry
from integrations.providers.hevy.client import PROVIDER
from integrations.providers.hevy.connecting import WORKOUTS
from integrations.providers.hevy.jobs import HevyWorkoutData, HevyWorkoutHistory, HevyWorkoutPull
from integrations.sandbox.base import ProviderSandbox


def _sandbox() -> ProviderSandbox:
    from integrations.providers.hevy.sandbox import HevySandbox

    return HevySandbox()


HEVY = registry.register(
    registry.Provider(
        slug=PROVIDER,
        label="Hevy",
        jobs=(HevyWorkoutPull, HevyWorkoutData, HevyWorkoutHistory),
        sandbox=_sandbox,
        host_settings=(("HEVY_API_URL", ""),),
        kind="api_key",
        polled=True,
        instance_types={WORKOUTS: registry.InstanceType(fetch=HevyWorkoutPull, init=HevyWorkoutHistory)},
        default_instance_type=WORKOUTS,
    )
)
