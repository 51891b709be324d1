"""A phone with Health Auto Export: what it holds, and what it sends."""

from integrations.providers.apple_health.sandbox.provider import AppleHealthSandbox

__all__ = ["AppleHealthSandbox"]
