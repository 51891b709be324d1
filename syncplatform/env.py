"""The configuration of the platform, from environment variables and the `.env` file only.

`python -m syncplatform.env` checks the environment, `--write` renews `.env.example` and
`docs/configuration.md` from the declarations.
"""

import argparse
import os
import sys
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from syncplatform import env_variables, env_vendors, env_watch
from syncplatform.dotenv import read_dotenv
from syncplatform.env_docs import documents
from syncplatform.env_reader import SERVERS, ConfigurationError, Environment, Variable, read

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY_VARIETY = 5
ENCRYPTION_KEY_BYTES = 32


def _of_providers() -> dict[str, tuple[Variable, ...]]:
    """By label, what the folders of providers declare in their `variables.py`."""
    groups = {}
    for path in sorted((BASE_DIR / "integrations" / "providers").glob("*/variables.py")):
        module = import_module(f"integrations.providers.{path.parent.name}.variables")
        groups[module.LABEL] = module.VARIABLES
    return groups


GROUPS = {
    "Basics": env_variables.CORE,
    "Database and cache": env_variables.STORES,
    "Web": env_variables.WEB,
    "Web server": env_variables.SERVER,
    "Webhooks": env_variables.WEBHOOKS,
    "Logging": env_variables.LOGGING,
    "Queues and jobs": env_variables.JOBS,
    "Calls to vendors": env_variables.HTTP,
    "Metrics": env_watch.METRICS,
    "Notifications": env_watch.NOTICES,
    "Retention": env_watch.RETENTION,
    "WorkStudio": env_vendors.WORKSTUDIO,
}
PROVIDER_GROUPS = _of_providers()
PROVIDER_PREFIXES = tuple(
    f"{path.parent.name.upper()}_"
    for path in (BASE_DIR / "integrations" / "providers").glob("*/variables.py")
)
GROUPS |= PROVIDER_GROUPS
VARIABLES = tuple(variable for group in GROUPS.values() for variable in group)


def _servers_are_safe(profile: str, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if profile not in SERVERS:
        return
    if values["DEBUG"]:
        yield "DEBUG", f"is on. Expected: off in {profile}."
    key = values["SECRET_KEY"] or ""
    if key and (len(key) < env_variables.SECRET_KEY_LENGTH or len(set(key)) < SECRET_KEY_VARIETY):
        expected = f"at least {env_variables.SECRET_KEY_LENGTH} random characters in {profile}"
        yield "SECRET_KEY", f"is too easy to guess. Expected: {expected}."
    if values["DATABASE_URL"] and "sqlite" in values["DATABASE_URL"]["ENGINE"]:
        yield "DATABASE_URL", f"names a SQLite database. Expected: PostgreSQL in {profile}."
    if profile == "production" and values["HTTP_ALLOW_LOOPBACK"]:
        yield "HTTP_ALLOW_LOOPBACK", "is on. Expected: off in production."


def _encryption_keys_are_keys(profile: str, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    del profile
    if not all(_is_encryption_key(key) for key in values["FIELD_ENCRYPTION_KEYS"]):
        yield "FIELD_ENCRYPTION_KEYS", "holds a key that is not 32 bytes in URL-safe base64."


def _is_encryption_key(key: str) -> bool:
    try:
        return len(urlsafe_b64decode(key)) == ENCRYPTION_KEY_BYTES
    except ValueError:
        return False


def _stores_fit_together(profile: str, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    del profile
    if values["QUEUE_BROKER"] == "redis":
        if not values["REDIS_URL"]:
            yield "REDIS_URL", "not set, and required when QUEUE_BROKER is redis."
        if values["QUEUE_CLUSTERS"] == "single":
            yield "QUEUE_CLUSTERS", "is single. Expected: per_queue or auto when QUEUE_BROKER is redis."
    if values["DATABASE_POOL"] and values["DATABASE_URL"] and "sqlite" in values["DATABASE_URL"]["ENGINE"]:
        yield "DATABASE_POOL", "is on. Expected: off with SQLite."


RULES = (_servers_are_safe, _encryption_keys_are_keys, _stores_fit_together)


def load(environ: Mapping[str, str] | None = None, base_dir: Path = BASE_DIR) -> Environment:
    """Reads every variable from `environ` (the process environment by default) and the `.env` file.

    Raises:
        ConfigurationError: naming everything that is missing, malformed or unknown, all at once.
    """
    environ = os.environ if environ is None else environ
    file, problems = _file(environ.get("SYNCPLATFORM_ENV_FILE", ""), base_dir)
    found = read(VARIABLES, environ, file, RULES, PROVIDER_PREFIXES)
    found.problems[:0] = problems
    found.raise_for_problems()
    return found


def _file(wanted: str, base_dir: Path) -> tuple[dict[str, str], list[str]]:
    if wanted == "none":
        return {}, []
    path = base_dir / (wanted or ".env")
    if wanted and not path.exists():
        return {}, [f"SYNCPLATFORM_ENV_FILE: names '{wanted}', which is not there."]
    return read_dotenv(path)


def main(argv: list[str] | None = None) -> int:
    """Checks the environment, or with `--write` renews the documents that list all variables."""
    parser = argparse.ArgumentParser(prog="python -m syncplatform.env", description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew .env.example and docs/configuration.md")
    if parser.parse_args(argv).write:
        for path, text in documents(GROUPS).items():
            (BASE_DIR / path).write_text(text, encoding="utf-8")
        return 0
    try:
        found = load()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"The configuration is complete (ENVIRONMENT is {found.profile}).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
