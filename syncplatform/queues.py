"""The settings of django-q2: one cluster for all queues, or one a queue."""

from typing import Any
from urllib.parse import urlencode

from syncplatform.env_reader import Environment

TIME_ZONE = "America/New_York"
LONGEST_JOB_SECONDS = 3600
RETRY_SECONDS = 86_400
# The longest job of each queue in seconds. The queue `default` is the main cluster's own.
QUEUE_TIMEOUTS = {
    "webhook": 60,
    "high-priority": 3600,
    "fetch": 3600,
    "process": 300,
    "workflows": 1800,
    "init": 600,
}
DEFAULT_QUEUE_TIMEOUT = 300


def clusters(env: Environment) -> str:
    """`single` or `per_queue`."""
    wanted: str = env["QUEUE_CLUSTERS"]
    if wanted == "auto":
        return "per_queue" if env["QUEUE_BROKER"] == "redis" else "single"
    return wanted


def q_cluster(env: Environment) -> dict[str, Any]:
    """Q_CLUSTER. django-q2 itself never retries: leases and our own dispatcher do."""
    single = clusters(env) == "single"
    workers = env["QUEUE_WORKERS"] if single else env["QUEUE_WORKERS_DEFAULT"]
    return {
        "name": "syncplatform",
        **_broker(env),
        "workers": workers,
        "queue_limit": workers,
        "bulk": 1,
        "poll": 0.5,
        "guard_cycle": 0.5,
        "timeout": LONGEST_JOB_SECONDS if single else DEFAULT_QUEUE_TIMEOUT,
        "retry": RETRY_SECONDS,
        "max_attempts": 1,
        "ack_failures": True,
        "catch_up": False,
        "scheduler": False,
        "time_zone": TIME_ZONE,
        "recycle": 500,
        "max_rss": 400_000,
        "save_limit": -1,
        "log_level": env["LOG_LEVEL"],
        "compress": True,
        "label": "Job queue",
        "ALT_CLUSTERS": {queue: _queue_cluster(env, queue) for queue in QUEUE_TIMEOUTS},
    }


def _queue_cluster(env: Environment, queue: str) -> dict[str, Any]:
    workers = env[f"QUEUE_WORKERS_{queue.upper().replace('-', '_')}"]
    return {
        "workers": workers,
        "queue_limit": workers,
        "timeout": QUEUE_TIMEOUTS[queue],
        "scheduler": False,
    }


def _broker(env: Environment) -> dict[str, Any]:
    if env["QUEUE_BROKER"] == "orm":
        return {"orm": "default", "broker_class": "integrations.jobs.qcluster.PriorityBroker"}
    url: str = env["REDIS_URL"]
    limits = urlencode({"socket_connect_timeout": 5, "socket_timeout": 10})
    return {"redis": f"{url}{'&' if '?' in url else '?'}{limits}"}
