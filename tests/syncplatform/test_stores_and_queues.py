"""What the environment makes of databases, caches and queues."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django_q.conf import Conf

from synclogs.models import JobQueue
from syncplatform import databases, queues
from syncplatform.env import load
from syncplatform.env_reader import ConfigurationError
from syncplatform.env_variables import QUEUES
from syncplatform.secret_key import development_secret_key

BASE = Path("/project")
NO_FILE = {"SYNCPLATFORM_ENV_FILE": "none"}


def environment(**environ):
    return load({**NO_FILE, **environ})


def test_sqlite_is_fit_for_many_processes():
    config = databases.database(environment()["DATABASE_URL"], BASE, pool=False)

    assert config["NAME"] == BASE / "var" / "db.sqlite3"
    assert config["CONN_MAX_AGE"] == 600
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in config["OPTIONS"]["init_command"]
    assert config["TEST"]["NAME"] == "/project/var/test_db.sqlite3"


def test_postgresql_connections_are_kept_checked_and_bounded():
    url = environment(DATABASE_URL="postgres://u:p@h:5433/d?sslmode=require")["DATABASE_URL"]

    config = databases.database(url, BASE, pool=False)

    assert (config["HOST"], config["PORT"], config["NAME"]) == ("h", 5433, "d")
    assert (config["CONN_MAX_AGE"], config["CONN_HEALTH_CHECKS"]) == (600, True)
    assert config["OPTIONS"]["sslmode"] == "require"
    assert "idle_in_transaction_session_timeout=60000" in config["OPTIONS"]["options"]
    assert "pool" not in config["OPTIONS"]


def test_the_pool_replaces_kept_connections():
    url = environment(DATABASE_URL="postgres://u:p@h/d")["DATABASE_URL"]

    config = databases.database(url, BASE, pool=True)

    assert (config["OPTIONS"]["pool"], config["CONN_MAX_AGE"]) == (True, 0)


@pytest.mark.parametrize(
    ("url", "backend"),
    [("", "django.core.cache.backends.db.DatabaseCache"), ("redis://cache", "django_redis.cache.RedisCache")],
)
def test_the_cache_is_redis_where_there_is_one(url, backend):
    assert databases.cache(url, "prefix")["BACKEND"] == backend


def test_one_cluster_serves_all_queues_by_default():
    config = queues.q_cluster(environment(QUEUE_WORKERS="3"))

    assert config["broker_class"] == "integrations.jobs.qcluster.PriorityBroker"
    assert (config["orm"], config["workers"], config["queue_limit"]) == ("default", 3, 3)
    assert (config["max_attempts"], config["ack_failures"], config["catch_up"]) == (1, True, False)
    assert config["timeout"] == max(queues.QUEUE_TIMEOUTS.values())
    assert config["timeout"] < config["retry"]


def test_every_queue_can_have_a_cluster_of_its_own():
    config = queues.q_cluster(environment(QUEUE_CLUSTERS="per_queue", QUEUE_WORKERS_HIGH_PRIORITY="4"))

    assert [*config["ALT_CLUSTERS"], "default"] == list(QUEUES)
    assert set(QUEUES) == set(JobQueue.values)
    assert config["ALT_CLUSTERS"]["high-priority"] == {
        "workers": 4,
        "queue_limit": 4,
        "timeout": 3600,
        "scheduler": False,
    }


def test_redis_as_broker_has_a_cluster_a_queue_and_gives_up_connecting():
    env = environment(QUEUE_BROKER="redis", REDIS_URL="redis://cache/3")

    config = queues.q_cluster(env)

    assert queues.clusters(env) == "per_queue"
    assert config["redis"] == "redis://cache/3?socket_connect_timeout=5&socket_timeout=10"
    assert "orm" not in config
    assert "broker_class" not in config


def test_django_q_took_the_settings():
    assert (Conf.PREFIX, Conf.MAX_ATTEMPTS, Conf.SAVE_LIMIT) == ("syncplatform", 1, -1)


def test_the_development_key_is_made_once_by_however_many_processes(tmp_path):
    path = tmp_path / "var" / "secret_key"

    with ThreadPoolExecutor(5) as pool:
        keys = set(pool.map(development_secret_key, [path] * 5))

    assert keys == {path.read_text().strip()}
    assert len(keys.pop()) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret_key"]


def test_a_development_key_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "var").write_text("in the way")

    with pytest.raises(ConfigurationError, match=r"SECRET_KEY: not set, and .* cannot be used instead"):
        development_secret_key(tmp_path / "var" / "secret_key")
