"""The name under which the engine knows ServiceTitan."""

PROVIDER = "servicetitan"
