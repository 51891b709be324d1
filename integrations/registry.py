"""The providers of this installation, as their `provider.py` modules declare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from integrations.demonstration import Demonstration
    from integrations.jobs.base import BaseJob
    from integrations.jobs.staged.fetch import BaseFetchJob
    from integrations.jobs.staged.initialization import BaseInitializationJob
    from integrations.jobs.staged.webhook_hook import BaseWebhookHookJob
    from integrations.models import Integration
    from integrations.oauth.declaration import OAuth
    from integrations.sandbox.base import ProviderSandbox
    from integrations.webhooks.declaration import Webhook


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One kind of data of a vendor, and the jobs that bring it to a connection of this type.

    `fetch` polls it, `hook` takes its deliveries, `init` reads its history when the connection is made.
    """

    fetch: type[BaseFetchJob] | None = None
    hook: type[BaseWebhookHookJob] | None = None
    init: type[BaseInitializationJob] | None = None


@dataclass(frozen=True, slots=True)
class DataMigration:
    """What is changed once in the data of each connection; `apply` gets it inside a transaction."""

    name: str
    apply: Callable[[Integration], None]


@dataclass(frozen=True, slots=True)
class Provider:
    """What the engine knows of a vendor.

    `jobs` are its job classes; `sandbox` makes the simulator of its API; `host_settings` are the settings
    that hold its hosts, with the path below the sandbox's address that each points to; `webhook` says how
    its deliveries are verified and read; `oauth` how people connect through its consent page;
    `demonstration` makes what `manage.py dev` shows of it.

    Connections of a provider with `instance_types` have one of these, `default_instance_type` where theirs is
    blank. `polled` ones are looked at every minute. `kind` is how they sign in: oauth, api_key, webhook, or
    another word; oauth needs an access token before it can be polled. `configuration` is a JSON schema of
    their configuration. `data_migrations` are applied once to each connection, in this order.
    """

    slug: str
    label: str
    jobs: tuple[type[BaseJob], ...] = ()
    sandbox: Callable[[], ProviderSandbox] | None = None
    host_settings: tuple[tuple[str, str], ...] = ()
    webhook: Webhook | None = None
    oauth: OAuth | None = None
    kind: str = ""
    polled: bool = False
    instance_types: Mapping[str, InstanceType] = field(default_factory=dict)
    default_instance_type: str = ""
    configuration: Mapping[str, Any] = field(default_factory=dict)
    data_migrations: tuple[DataMigration, ...] = ()
    demonstration: Callable[[], Demonstration] | None = None


_providers: dict[str, Provider] = {}


def register(provider: Provider) -> Provider:
    """Make a provider known; called by its `provider.py`. Raises ValueError for a slug that is taken."""
    if provider.slug in _providers and _providers[provider.slug] != provider:
        raise ValueError(f"two providers are called {provider.slug!r}")
    _providers[provider.slug] = provider
    return provider


def autodiscover() -> None:
    """Import `provider.py` of every installed app."""
    autodiscover_modules("provider")


def all_providers() -> list[Provider]:
    """Every provider, by slug."""
    return [_providers[slug] for slug in sorted(_providers)]


def get_provider(slug: str) -> Provider:
    """One provider. Raises LookupError naming those that exist."""
    try:
        return _providers[slug]
    except KeyError:
        raise LookupError(f"no provider is called {slug!r}; known: {', '.join(sorted(_providers))}") from None


def label_of(slug: str) -> str:
    """What people call a provider; its slug where nobody declared it."""
    provider = _providers.get(slug)
    return provider.label if provider is not None else slug.replace("_", " ").capitalize()


def webhook_of(slug: str) -> Webhook | None:
    """How webhooks of this provider are taken; None for one that sends none, or is not known."""
    provider = _providers.get(slug)
    return provider.webhook if provider is not None else None
