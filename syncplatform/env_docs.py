"""Writes the declared environment variables down: `.env.example` and `docs/configuration.md`."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from syncplatform.env_reader import PROFILES, Variable

EXAMPLE_HEAD = """\
# Every environment variable of syncplatform. Copy this file to .env and uncomment what you need:
# development needs nothing. A variable of the process environment wins over this file, an empty one counts
# as not set, and a secret may also come from the file that <NAME>_FILE names.
# Written by `python -m syncplatform.env --write`; do not edit.
"""
PAGE_HEAD = """\
# Configuration

Everything that differs between installations is an environment variable, or a line of the file `.env` in
the project's root; the process environment wins. `ENVIRONMENT` picks the profile, and with it the defaults:
development needs no server and no variable at all. An empty variable counts as not set. A secret may also
come from a file: set `<NAME>_FILE` to its path.

A missing, malformed or unknown variable stops every process at its start with one message that names all of
them. `python -m syncplatform.env` makes only this check.

This page is written by `python -m syncplatform.env --write`; do not edit it.
"""


def documents(groups: Mapping[str, Sequence[Variable]]) -> dict[str, str]:
    """The text of each document by its path in the project."""
    return {".env.example": _example(groups), "docs/configuration.md": _page(groups)}


def _example(groups: Mapping[str, Sequence[Variable]]) -> str:
    parts = [EXAMPLE_HEAD]
    for title, variables in groups.items():
        parts.append(f"\n# --- {title} ---\n")
        for variable in variables:
            note = "\n".join(textwrap.wrap(variable.help, 105))
            facts = [f"Expected: {variable.expected}.", f"Default: {_default(variable)}."]
            if variable.required_in:
                facts.append(f"Required in: {', '.join(variable.required_in)}.")
            if variable.secret:
                facts.append(f"Secret; or set {variable.name}_FILE.")
            comment = textwrap.indent(f"{note}\n" + "\n".join(textwrap.wrap(" ".join(facts), 105)), "# ")
            parts.append(f"\n{comment}\n#{variable.name}={_example_value(variable)}\n")
    return "".join(parts)


def _page(groups: Mapping[str, Sequence[Variable]]) -> str:
    parts = [PAGE_HEAD]
    for title, variables in groups.items():
        parts.append(
            f"\n## {title}\n\n| Variable | Default | Required in | Meaning |\n| --- | --- | --- | --- |\n"
        )
        for variable in variables:
            required = ", ".join(variable.required_in) or "-"
            secret = " Secret." if variable.secret else ""
            expected = variable.expected[0].upper() + variable.expected[1:]
            meaning = f"{variable.help} {expected}.{secret}".replace("|", "\\|")
            parts.append(f"| `{variable.name}` | {_default(variable)} | {required} | {meaning} |\n")
    return "".join(parts)


def _default(variable: Variable) -> str:
    if variable.shown_default:
        return variable.shown_default
    if not isinstance(variable.default, dict):
        return _text(variable.default) or "empty"
    profiles: dict[str, list[str]] = {}
    for profile in PROFILES:
        if profile not in variable.required_in:
            profiles.setdefault(_text(variable.default_for(profile)) or "empty", []).append(profile)
    return "; ".join(f"{text} in {' and '.join(names)}" for text, names in profiles.items())


def _example_value(variable: Variable) -> str:
    if variable.secret:
        return ""
    return _text(variable.default_for(PROFILES[0]))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
