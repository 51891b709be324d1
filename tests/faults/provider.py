"""Found by autodiscovery where `tests.faults` is an installed app: makes the job classes known."""

from tests.faults import jobs, staged  # noqa: F401
