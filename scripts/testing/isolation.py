"""A pytest plugin: each xdist worker has a Redis database and a cache prefix of its own.

Loaded by PYTEST_PLUGINS, since that is read before Django's settings are.
"""

import os
from collections.abc import Mapping


def of_worker(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that differ for the xdist worker of this environment; none outside of a worker."""
    worker, urls = environ.get("PYTEST_XDIST_WORKER", ""), environ.get("TEST_REDIS_URLS", "").split()
    if not worker or not urls:
        return {}
    url = urls[int(worker.removeprefix("gw")) % len(urls)]
    return {"REDIS_URL": url, "CACHE_KEY_PREFIX": f"test-{worker}"}


os.environ.update(of_worker(os.environ))
