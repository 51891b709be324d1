"""The simulated ServiceTitan API."""

from integrations.providers.servicetitan.sandbox.provider import ServiceTitanSandbox

__all__ = ["ServiceTitanSandbox"]
