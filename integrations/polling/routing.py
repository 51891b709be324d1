"""From a connection to the jobs that serve it, as its provider declares them."""

from __future__ import annotations

import logging

from integrations import registry
from integrations.jobs.base import BaseJob
from integrations.jobs.staged.fetch import BaseFetchJob
from integrations.jobs.staged.initialization import BaseInitializationJob
from integrations.models import Integration
from integrations.registry import InstanceType

logger = logging.getLogger("syncplatform.polling")


def instance_type_of(integration: Integration) -> InstanceType | None:
    """What is declared for this connection; None when its provider or its type is not known."""
    try:
        provider = registry.get_provider(integration.provider)
    except LookupError:
        return None
    return provider.instance_types.get(integration.instance_type or provider.default_instance_type)


def fetch_jobs(integration: Integration) -> list[type[BaseFetchJob]]:
    """The classes that poll this connection. None for one that only hears of deliveries.

    An unknown type has none either, which is warned about.
    """
    found = instance_type_of(integration)
    if found is None:
        logger.warning(
            "nothing polls connection %s: %s has no instance type %r",
            integration.pk,
            integration.provider,
            integration.instance_type,
        )
        return []
    return [found.fetch] if found.fetch is not None else []


def init_job(integration: Integration) -> type[BaseInitializationJob] | None:
    """The class that reads this connection's history; None where there is none."""
    found = instance_type_of(integration)
    return found.init if found is not None else None


def init_job_names() -> list[str]:
    """The names of all initialization classes."""
    types = (each for provider in registry.all_providers() for each in provider.instance_types.values())
    return sorted({each.init.name for each in types if each.init is not None})


def routed_classes(provider: registry.Provider) -> list[type[BaseJob]]:
    """Every class that the provider's instance types name."""
    types = provider.instance_types.values()
    return [cls for each in types for cls in (each.fetch, each.hook, each.init) if cls is not None]
