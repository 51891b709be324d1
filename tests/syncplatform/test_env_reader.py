"""Declared variables: what is wrong with them is said at once, and never with a secret's value."""

from pathlib import Path

import pytest

from syncplatform.env import RULES, VARIABLES, load
from syncplatform.env_reader import ConfigurationError, Environment, read

KEY = "a-l0ng-k3y-" * 5
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": KEY,
    "FIELD_ENCRYPTION_KEYS": "bm90LWEtcmVhbC1rZXktb25seS1mb3ItdGVzdGluZyE=",
    "ALLOWED_HOSTS": "sync.example.com, www.example.com",
    "DATABASE_URL": "postgres://sync:p%40ss@db.example.com:5432/sync",
    "REDIS_URL": "redis://:r3dis-pass@cache.example.com:6379/0",
    "WORKSTUDIO_API_URL": "https://ws.example.com/DDOProtocol/",
}


def read_all(environ: dict[str, str] | None = None, file: dict[str, str] | None = None) -> Environment:
    return read(VARIABLES, environ or {}, file or {}, RULES)


def problems(environ: dict[str, str] | None = None, file: dict[str, str] | None = None) -> list[str]:
    return read_all(environ, file).problems


def test_development_needs_nothing():
    found = read_all()

    assert found.problems == []
    assert found["DEBUG"] is True
    assert found["DATABASE_URL"]["NAME"] == "var/db.sqlite3"
    assert found["JOB_LEASE_SECONDS"] == 60.0
    assert found["WORKSTUDIO_API_URL"].startswith("http://127.0.0.1:8801/")


def test_production_is_read():
    found = read_all(PRODUCTION)

    assert found.problems == []
    assert found["DEBUG"] is False
    assert found["ALLOWED_HOSTS"] == ["sync.example.com", "www.example.com"]
    assert found["DATABASE_URL"]["PASSWORD"] == "p@ss"
    assert found["SECURE_HSTS_SECONDS"] == 31_536_000
    assert found["HTTP_ALLOW_LOOPBACK"] is False


@pytest.mark.parametrize("profile", ["qa", "production"])
def test_all_that_is_missing_is_named_at_once(profile):
    named = {problem.split(":")[0] for problem in problems({"ENVIRONMENT": profile})}

    assert named == {
        "SECRET_KEY",
        "FIELD_ENCRYPTION_KEYS",
        "ALLOWED_HOSTS",
        "DATABASE_URL",
        "REDIS_URL",
        "WORKSTUDIO_API_URL",
    }


def test_an_encryption_key_that_is_none_is_named_without_being_shown():
    (problem,) = problems({**PRODUCTION, "FIELD_ENCRYPTION_KEYS": "dG9vLXNob3J0"})

    assert problem.startswith("FIELD_ENCRYPTION_KEYS: holds a key that is not 32 bytes in URL-safe base64.")
    assert "dG9v" not in problem


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("DEBUG", "maybe"),
        ("JOB_LEASE_SECONDS", "0.4"),
        ("JOB_LEASE_SECONDS", "nan"),
        ("JOB_LEASE_SECONDS", "1.234,5"),
        ("QUEUE_WORKERS", "2.5"),
        ("QUEUE_WORKERS", "0"),
        ("QUEUE_BROKER", "rabbit"),
        ("LOG_LEVEL", "info"),
        ("ENVIRONMENT", "staging"),
        ("WORKSTUDIO_API_URL", "ws.example.com"),
        ("CSRF_TRUSTED_ORIGINS", "sync.example.com"),
        ("SECURE_PROXY_SSL_HEADER", "X-Forwarded-Proto"),
    ],
)
def test_a_malformed_value_is_shown_with_what_is_expected(name, raw):
    (problem,) = problems({name: raw})

    assert problem.startswith(f"{name}: got '{raw}'. Expected: ")


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("DATABASE_URL", "mysql://root:hunter2hunter2@db/sync"),
        ("DATABASE_URL", "postgres://root:hunter2hunter2@db:port/sync"),
        ("REDIS_URL", "http://:hunter2hunter2@cache"),
        ("REDIS_URL", "redis://:hunter2hunter2@cache:port"),
    ],
)
def test_a_malformed_secret_is_never_shown(name, raw):
    (problem,) = problems({name: raw})

    assert problem.startswith(f"{name}: got a value that is not shown. Expected: ")
    assert "hunter2" not in problem


@pytest.mark.parametrize("key", ["hunter2", "ab" * 30])
def test_a_weak_secret_key_is_refused_without_showing_it(key):
    (problem,) = problems({**PRODUCTION, "SECRET_KEY": key})

    assert problem == (
        "SECRET_KEY: is too easy to guess. Expected: at least 50 random characters in production."
    )


def test_dangerous_settings_are_refused_in_production():
    environ = {
        **PRODUCTION,
        "DEBUG": "on",
        "HTTP_ALLOW_LOOPBACK": "yes",
        "DATABASE_URL": "sqlite:///db.sqlite3",
    }

    assert [problem.split(":")[0] for problem in problems(environ)] == [
        "DEBUG",
        "DATABASE_URL",
        "HTTP_ALLOW_LOOPBACK",
    ]


def test_redis_as_broker_needs_redis_and_a_cluster_a_queue():
    named = [
        problem.split(":")[0] for problem in problems({"QUEUE_BROKER": "redis", "QUEUE_CLUSTERS": "single"})
    ]

    assert named == ["REDIS_URL", "QUEUE_CLUSTERS"]


def test_the_pool_needs_postgresql():
    assert problems({"DATABASE_POOL": "on"}) == ["DATABASE_POOL: is on. Expected: off with SQLite."]


def test_an_empty_variable_counts_as_not_set():
    assert read_all({"JOB_LEASE_SECONDS": "", "DATABASE_URL": ""}).problems == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("QUEUE_BROKR", "QUEUE_BROKER"),
        ("JOB_LEASE_SECOND", "JOB_LEASE_SECONDS"),
        ("WORKSTUDIO_USER_NAME", "WORKSTUDIO_USERNAME"),
        ("REDIS_ULR", "REDIS_URL"),
        ("HTTP_ALLOW_LOOPBAK", "HTTP_ALLOW_LOOPBACK"),
        ("DJANGO_SECRET_KEY", "SECRET_KEY"),
        ("DATABASE_POOL_SIZE", "DATABASE_POOL"),
    ],
)
def test_an_unknown_variable_of_ours_is_named_with_the_closest_known(name, meant):
    assert problems({name: "x"}) == [f"{name}: unknown variable in the environment. Did you mean {meant}?"]


@pytest.mark.parametrize(
    "name",
    [
        "DATABASE_HOST",
        "DATABASE_PORT_5432_TCP_ADDR",
        "REDIS_PASSWORD",
        "REDIS_SERVICE_HOST",
        "QUEUE_SERVICE_PORT_HTTP",
        "HTTP_PROXY",
        "JOB_NAME",
        "JOB_COMPLETION_INDEX",
        "STATSD_PREFIX",
        "DJANGO_SETTINGS_MODULE",
        "DJANGO_SUPERUSER_PASSWORD",
        "PATH",
    ],
)
def test_variables_of_the_platform_around_us_are_left_alone(name):
    assert problems({name: "x"}) == []


def test_a_platform_may_export_a_near_miss_beside_the_real_one():
    assert problems({"DATABASE_URI": "x", "DATABASE_URL": "sqlite:///x.sqlite3"}) == []


@pytest.mark.parametrize("name", ["ZUORA_API_ULR", "HEVY_KEY", "SERVICETITAN_API_URL"])
def test_a_misspelt_variable_of_a_provider_is_refused_although_nobody_named_its_prefix(name):
    with pytest.raises(ConfigurationError, match=f"{name}: unknown variable in the environment"):
        load({"SYNCPLATFORM_ENV_FILE": "none", name: "x"})


def test_everything_unknown_in_the_file_is_named():
    assert problems(file={"ALOWED_HOSTS": "x", "COLOR": "x"}) == [
        "ALOWED_HOSTS: unknown variable in .env. Did you mean ALLOWED_HOSTS?",
        "COLOR: unknown variable in .env.",
    ]


def test_the_real_environment_wins_over_the_file_even_when_empty():
    file = {"QUEUE_WORKERS": "5", "REDIS_URL": "redis://cache", "LOG_LEVEL": "DEBUG"}

    found = read_all({"QUEUE_WORKERS": "7", "REDIS_URL": ""}, file)

    assert (found["QUEUE_WORKERS"], found["REDIS_URL"], found["LOG_LEVEL"]) == (7, "", "DEBUG")


def test_a_secret_may_come_from_a_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret value\n")

    assert read_all({"WORKSTUDIO_PASSWORD_FILE": str(secret)})["WORKSTUDIO_PASSWORD"] == "s3cret value"


def test_a_secret_given_twice_is_refused(tmp_path):
    environ = {"WORKSTUDIO_PASSWORD": "hunter2hunter2", "WORKSTUDIO_PASSWORD_FILE": str(tmp_path)}

    assert problems(environ) == [
        "WORKSTUDIO_PASSWORD: given twice, also by WORKSTUDIO_PASSWORD_FILE. Set one of them."
    ]


def test_a_secret_of_the_environment_hides_the_pointer_in_the_file(tmp_path):
    file = {"WORKSTUDIO_PASSWORD_FILE": str(tmp_path / "absent")}

    assert read_all({"WORKSTUDIO_PASSWORD": "s3cret"}, file)["WORKSTUDIO_PASSWORD"] == "s3cret"


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path):
    (problem,) = problems({"SECRET_KEY_FILE": str(tmp_path / "absent")})

    assert problem.startswith(
        f"SECRET_KEY: SECRET_KEY_FILE names '{tmp_path / 'absent'}', which cannot be read"
    )


def test_only_secrets_may_come_from_a_file():
    (problem,) = problems({"QUEUE_BROKER_FILE": "x"})

    assert problem.startswith("QUEUE_BROKER_FILE: unknown variable")


def test_secrets_are_listed_for_redaction():
    found = read_all({**PRODUCTION, "WORKSTUDIO_PASSWORD": "ws-pass"})

    assert found.secrets(VARIABLES) == [KEY, "p@ss", "r3dis-pass", "ws-pass"]


def test_loading_raises_one_error_with_every_problem(tmp_path):
    (tmp_path / ".env").write_text("QUEUE_WORKERS=none\nnonsense\nLOG_LEVEL=INFO\nLOG_LEVEL=DEBUG\n")

    with pytest.raises(ConfigurationError) as caught:
        load({"JOB_LEASE_SECONDS": "soon", "QUEUE_BROKR": "orm"}, tmp_path)

    assert str(caught.value).splitlines() == [
        "5 problems with the configuration (ENVIRONMENT is development):",
        "  - .env line 2: not understood. Expected: NAME=value, quotes closed.",
        "  - LOG_LEVEL: set twice in .env, in lines 3 and 4.",
        "  - QUEUE_WORKERS: got 'none'. Expected: a whole number from 1 to 256.",
        "  - JOB_LEASE_SECONDS: got 'soon'. Expected: a number from 0.5 to 3600.",
        "  - QUEUE_BROKR: unknown variable in the environment. Did you mean QUEUE_BROKER?",
        "Every variable is described in .env.example.",
    ]


def test_another_file_may_be_named(tmp_path: Path):
    (tmp_path / "qa.env").write_text("LOG_LEVEL=DEBUG\n")

    assert load({"SYNCPLATFORM_ENV_FILE": "qa.env"}, tmp_path)["LOG_LEVEL"] == "DEBUG"


def test_a_named_file_must_exist(tmp_path):
    with pytest.raises(ConfigurationError, match=r"SYNCPLATFORM_ENV_FILE: names 'qa\.env'"):
        load({"SYNCPLATFORM_ENV_FILE": "qa.env"}, tmp_path)


def test_no_file_is_read_when_none_is_wanted(tmp_path):
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\n")

    assert load({"SYNCPLATFORM_ENV_FILE": "none"}, tmp_path)["LOG_LEVEL"] == "INFO"
