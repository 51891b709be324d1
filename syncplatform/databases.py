"""The database and the cache that the environment asks for."""

from pathlib import Path
from typing import Any

SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA mmap_size=134217728;"
    "PRAGMA cache_size=-20000;PRAGMA busy_timeout=20000;",
}
POSTGRES_OPTIONS = "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=30000"
KEEP_CONNECTIONS_SECONDS = 600


def database(config: dict[str, Any], base_dir: Path, *, pool: bool) -> dict[str, Any]:
    """The default entry of DATABASES.

    Args:
        config: What DATABASE_URL says, in Django's form.
        base_dir: Where a relative path of a SQLite database starts.
        pool: Whether to use psycopg's connection pool in place of persistent connections.
    """
    if config["ENGINE"] == "django.db.backends.sqlite3":
        return _sqlite(config, base_dir)
    options = {"options": POSTGRES_OPTIONS, "connect_timeout": 10, **config.get("OPTIONS", {})}
    if pool:
        options["pool"] = True
    return {
        **config,
        "OPTIONS": options,
        "CONN_MAX_AGE": 0 if pool else KEEP_CONNECTIONS_SECONDS,
        "CONN_HEALTH_CHECKS": True,
    }


def _sqlite(config: dict[str, Any], base_dir: Path) -> dict[str, Any]:
    path = base_dir / config["NAME"]
    return {
        "ENGINE": config["ENGINE"],
        "NAME": path,
        "OPTIONS": dict(SQLITE_OPTIONS),
        "CONN_MAX_AGE": KEEP_CONNECTIONS_SECONDS,
        "TEST": {"NAME": str(path.with_name(f"test_{path.name}"))},
    }


def cache(redis_url: str, key_prefix: str) -> dict[str, Any]:
    """The default entry of CACHES: Redis where there is one, a database table elsewhere."""
    if not redis_url:
        return {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "django_cache",
            "KEY_PREFIX": key_prefix,
        }
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis_url,
        "KEY_PREFIX": key_prefix,
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 5, "SOCKET_TIMEOUT": 10},
    }
