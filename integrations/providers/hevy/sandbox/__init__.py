"""A local simulator of Hevy's API (see ``docs/hevy.md``)."""

from integrations.providers.hevy.sandbox.provider import API_KEY, HevySandbox

__all__ = ["API_KEY", "HevySandbox"]
