"""Local simulators of the vendors' HTTP APIs, with fault injection (see ``docs/sandbox.md``)."""

from integrations.sandbox.base import ProviderSandbox, SandboxError, SandboxRequest, SandboxResponse
from integrations.sandbox.server import SandboxServer

__all__ = ["ProviderSandbox", "SandboxError", "SandboxRequest", "SandboxResponse", "SandboxServer"]
