"""Reads declared environment variables, and reports every problem with them at once."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from syncplatform.env_kinds import TEXT, Kind

PROFILES = ("development", "qa", "production")
SERVERS = ("qa", "production")

# Every name that starts like this is meant for this product, so one that is not declared is a mistake.
OWNED_PREFIXES = (
    "SYNCPLATFORM_",
    "JOB_",
    "QUEUE_",
    "WORKSTUDIO_",
    "RETENTION_",
    "FIELD_ENCRYPTION_",
    "HTTP_ALLOW",
    "DATABASE_POOL",
)
# Platforms export names of their own that start like this: only a near miss of a declared name is a mistake.
SHARED_PREFIXES = ("DATABASE_", "REDIS_", "HTTP_", "STATSD_", "ALERT_", "SECURE_", "LOG_", "DJANGO_")
# Names that Jenkins, batch schedulers and Kubernetes service links set by themselves.
FOREIGN = re.compile(
    r"JOB_(NAME|BASE_NAME|URL|DISPLAY_URL|ID|SCRIPT|COMPLETION_INDEX)"
    r"|[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)"
)
NEAR_MISS = 0.85


class ConfigurationError(ImproperlyConfigured):
    """The environment does not describe a configuration that can run; the text names every problem."""


@dataclass(frozen=True)
class Variable:
    """One declared environment variable.

    Attributes:
        name: Its name in the environment.
        help: One or two sentences for whoever sets it.
        default: Its value when it is not set; a mapping is by profile.
        kind: What it holds.
        group: The heading under which it is documented.
        required_in: The profiles that do not start without it.
        secret: Whether its value is never shown, and may come from the file that `<name>_FILE` names.
        choices: The only texts allowed, if limited.
        minimum, maximum: Bounds of a number, inclusive.
        shown_default: The default in words, where the value itself says too little.
    """

    name: str
    help: str
    default: Any = None
    kind: Kind = TEXT
    group: str = ""
    required_in: Sequence[str] = ()
    secret: bool = False
    choices: Sequence[str] = ()
    minimum: float | None = None
    maximum: float | None = None
    shown_default: str = ""

    @property
    def expected(self) -> str:
        """What a correct value is, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        low, high = self.minimum, self.maximum
        if low is not None and high is not None:
            return f"{self.kind.expected} from {low:g} to {high:g}"
        if low is not None:
            return f"{self.kind.expected}, at least {low:g}"
        return self.kind.expected

    def default_for(self, profile: str) -> Any:
        """The value in `profile` when the variable is not set."""
        return self.default.get(profile) if isinstance(self.default, dict) else self.default

    def parse(self, raw: str) -> Any:
        """The value that the text `raw` stands for; raises ValueError when it is malformed."""
        value = self.kind.parse(raw)
        if self.choices and value not in self.choices:
            raise ValueError(raw)
        if self.minimum is not None and value < self.minimum:
            raise ValueError(raw)
        if self.maximum is not None and value > self.maximum:
            raise ValueError(raw)
        return value


Rule = Callable[[str, Mapping[str, Any]], Iterable[tuple[str, str]]]
"""A check across variables: takes the profile and the values, yields the variable to blame and why."""


@dataclass
class Environment:
    """The values of all declared variables, by name, and what is wrong with them."""

    profile: str
    values: dict[str, Any] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def secrets(self, variables: Sequence[Variable]) -> list[str]:
        """The secret texts among the values, of URLs only the passwords."""
        texts: list[str] = []
        for variable in variables:
            value = self.values[variable.name]
            if variable.secret and isinstance(value, dict):
                texts.append(value.get("PASSWORD", ""))
            elif variable.secret and isinstance(value, str):
                texts.append((urlsplit(value).password or "") if "://" in value else value)
        return [text for text in texts if text]

    def raise_for_problems(self) -> None:
        """Raises ConfigurationError naming every problem, if there is any."""
        if not self.problems:
            return
        raise ConfigurationError(problem_report(self.profile, self.problems))


def problem_report(profile: str, problems: Sequence[str]) -> str:
    """One readable text that lists `problems`."""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    head = f"{count} with the configuration (ENVIRONMENT is {profile}):"
    lines = [f"  - {problem}" for problem in problems]
    return "\n".join([head, *lines, "Every variable is described in .env.example."])


def read(
    variables: Sequence[Variable],
    environ: Mapping[str, str],
    file: Mapping[str, str],
    rules: Sequence[Rule] = (),
    owned: tuple[str, ...] = (),
) -> Environment:
    """Reads all `variables`.

    Args:
        variables: What is declared. One is called ENVIRONMENT and picks the profile.
        environ: The process environment. What it holds, even empty, hides the same name in `file`.
        file: The content of the `.env` file.
        rules: Checks across variables; silent about a variable that is already broken by itself.
        owned: Prefixes besides OWNED_PREFIXES whose names are all meant for this product.
    """
    by_name = {variable.name: variable for variable in variables}
    profile, profile_known = _profile(by_name["ENVIRONMENT"], environ, file)
    found = Environment(profile)
    for variable in variables:
        found.values[variable.name] = variable.default_for(profile)
        try:
            raw = _raw(variable, environ, file)
            if raw:
                found.values[variable.name] = _cast(variable, raw)
            elif profile_known and profile in variable.required_in:
                raise _Problem(f"not set, and required in {profile}. Expected: {variable.expected}.")
        except _Problem as problem:
            found.broken.add(variable.name)
            found.problems.append(f"{variable.name}: {problem}")
    found.problems += _unknown(by_name, environ, file, (*OWNED_PREFIXES, *owned))
    for rule in rules:
        found.problems += [
            f"{name}: {why}" for name, why in rule(profile, found.values) if name not in found.broken
        ]
    return found


def _profile(variable: Variable, environ: Mapping[str, str], file: Mapping[str, str]) -> tuple[str, bool]:
    raw = environ.get(variable.name, file.get(variable.name, "")) or str(variable.default)
    return (raw, True) if raw in PROFILES else (str(variable.default), False)


class _Problem(Exception):
    """What is wrong with one variable."""


def _raw(variable: Variable, environ: Mapping[str, str], file: Mapping[str, str]) -> str:
    """The text of one variable, empty when it is not set."""
    pointer = f"{variable.name}_FILE"
    for source in (environ, file):
        direct, path = source.get(variable.name), source.get(pointer) if variable.secret else None
        if direct and path:
            raise _Problem(f"given twice, also by {pointer}. Set one of them.")
        if path:
            try:
                return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not UTF-8 text"
                raise _Problem(f"{pointer} names '{path}', which cannot be read ({reason}).") from error
        if direct is not None or path is not None:
            return direct or ""
    return ""


def _cast(variable: Variable, raw: str) -> Any:
    try:
        return variable.parse(raw)
    except Exception as error:  # whatever a parser stumbles over, the text is malformed; it may hold a secret
        shown = "a value that is not shown" if variable.secret else f"'{raw}'"
        raise _Problem(f"got {shown}. Expected: {variable.expected}.") from error


def _unknown(
    by_name: Mapping[str, Variable],
    environ: Mapping[str, str],
    file: Mapping[str, str],
    owned: tuple[str, ...],
) -> list[str]:
    known = set(by_name) | {f"{name}_FILE" for name, variable in by_name.items() if variable.secret}
    names = {name: ".env" for name in file if name not in known}
    for name in environ:
        if name not in known and name not in names and _is_mistake(name, known, environ, owned):
            names[name] = "the environment"
    problems = []
    for name, where in sorted(names.items()):
        closest = _closest(name, known)
        hint = f" Did you mean {closest}?" if closest else ""
        problems.append(f"{name}: unknown variable in {where}.{hint}")
    return problems


def _is_mistake(name: str, known: set[str], environ: Mapping[str, str], owned: tuple[str, ...]) -> bool:
    if FOREIGN.fullmatch(name):
        return False
    if name.startswith(owned):
        return True
    if not name.startswith(SHARED_PREFIXES):
        return False
    closest = _closest(name, known, NEAR_MISS)
    return closest is not None and closest not in environ


def _closest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    matches = difflib.get_close_matches(name.removeprefix("DJANGO_"), sorted(known), 1, cutoff)
    return matches[0] if matches else None
