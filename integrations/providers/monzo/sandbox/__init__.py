"""A local simulator of Monzo: docs/monzo.md, "The sandbox"."""

from integrations.providers.monzo.sandbox.provider import MonzoSandbox

__all__ = ["MonzoSandbox"]
