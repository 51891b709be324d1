"""The diary, as the engine knows it; found by autodiscovery where `tests.diary` is an installed app."""

from __future__ import annotations

from integrations import registry
from integrations.models import Integration
from tests.diary.jobs import DiaryEntryData, DiaryEntryPull, DiaryHistoricalData, DiaryHook
from tests.diary.sandbox import SLUG, DiarySandbox

migrated: list[tuple[str, int]] = []


def _migration(name: str) -> registry.DataMigration:
    def apply(integration: Integration) -> None:
        migrated.append((name, integration.pk))

    return registry.DataMigration(name, apply)


DIARY = registry.Provider(
    slug=SLUG,
    label="Diary",
    jobs=(DiaryEntryPull, DiaryEntryData, DiaryHook, DiaryHistoricalData),
    sandbox=DiarySandbox,
    kind="oauth",
    polled=True,
    instance_types={
        "entries": registry.InstanceType(fetch=DiaryEntryPull),
        "pages": registry.InstanceType(fetch=DiaryEntryPull, init=DiaryHistoricalData),
        "mail": registry.InstanceType(hook=DiaryHook),
    },
    default_instance_type="entries",
    data_migrations=(_migration("0001_first"), _migration("0002_second")),
)


def register() -> None:
    """Make the diary known."""
    registry.register(DIARY)
