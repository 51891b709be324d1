"""How the simulator behaves: settings that a test or a person changes while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from integrations.sandbox import SandboxError

NEXT_PAGE = ("absent", "null", "foreign")
SPELLINGS = ("wire", "correct")
DATES = ("iso", "utc", "plain")


@dataclass(frozen=True, slots=True)
class Behavior:
    """What ``POST behavior`` changes.

    Attributes:
        token_ttl: seconds that a token lives; ``expires_in`` says the same.
        tokens_per_minute: token calls of one address before it gets a 429.
        refusal: how a refused client is told: ``oauth`` or ``message``.
        next_page: on the last page ``absent`` or ``null``; ``foreign`` names another host on all others.
        spelling: ``wire`` is Zuora's misspelt ``latest_inactive_verisons``, ``correct`` the other one.
        dates: of definitions: ``iso``, ``utc`` ("2024-05-31 14:52:38 UTC") or ``plain`` (without a zone).
        gzip: compress bodies above 1000 bytes for clients that accept it.
        original_id: ``int`` or ``str`` in runs.
    """

    token_ttl: int = 3599
    tokens_per_minute: int = 100
    refusal: str = "oauth"
    next_page: str = "absent"
    spelling: str = "wire"
    dates: str = "iso"
    gzip: bool = True
    original_id: str = "int"

    def changed(self, document: Mapping[str, Any]) -> Behavior:
        """The same with these settings changed. Raises SandboxError naming what is valid."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in document.items():
            if name not in known:
                raise SandboxError(f"Unknown setting {name!r}.", settings=sorted(known))
            if type(value) is not type(known[name]):
                kind = type(known[name]).__name__
                raise SandboxError(f"{name} must be of the type {kind}, not {value!r}.")
            choices = CHOICES.get(name)
            if choices and value not in choices:
                raise SandboxError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
        return replace(self, **document)


CHOICES = {
    "refusal": ("oauth", "message"),
    "next_page": NEXT_PAGE,
    "spelling": SPELLINGS,
    "dates": DATES,
    "original_id": ("int", "str"),
}
