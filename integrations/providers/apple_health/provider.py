"""Apple Health, as the engine knows it."""

from integrations import registry
from integrations.demonstration import Demonstration
from integrations.providers.apple_health import door
from integrations.providers.apple_health.envelope import METRICS, WORKOUTS
from integrations.providers.apple_health.imports import AppleHealthImport
from integrations.providers.apple_health.jobs import (
    AppleHealthMetricData,
    AppleHealthWebhookHook,
    AppleHealthWorkoutData,
)
from integrations.providers.apple_health.slug import PROVIDER
from integrations.sandbox.base import ProviderSandbox
from integrations.webhooks.declaration import Webhook


def _demonstration() -> Demonstration:
    from integrations.providers.apple_health.demonstration import DEMONSTRATION

    return DEMONSTRATION


def _sandbox() -> ProviderSandbox:
    from integrations.providers.apple_health.sandbox import AppleHealthSandbox

    return AppleHealthSandbox()


APPLE_HEALTH = registry.register(
    registry.Provider(
        slug=PROVIDER,
        label="Apple Health",
        jobs=(AppleHealthWebhookHook, AppleHealthMetricData, AppleHealthWorkoutData, AppleHealthImport),
        sandbox=_sandbox,
        demonstration=_demonstration,
        kind="webhook",
        instance_types={
            WORKOUTS: registry.InstanceType(hook=AppleHealthWebhookHook),
            METRICS: registry.InstanceType(hook=AppleHealthWebhookHook),
        },
        default_instance_type=WORKOUTS,
        webhook=Webhook(
            AppleHealthWebhookHook,
            door.VERIFIER,
            read=door.read,
            acknowledge=door.acknowledge,
            max_body_bytes=door.max_body_bytes,
        ),
    )
)
