"""How the engine calls this provider."""

PROVIDER = "apple_health"
