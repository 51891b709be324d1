"""Regions by the names that WorkStudio sends, found or added."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from circuits.models import Region

CODE_LENGTH = 20


def fold(name: str) -> str:
    """The form in which two region names are compared: no case, no spare blanks, one spelling of accents."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class RegionBook:
    """Finds regions by name, whatever its case, and adds unknown ones. Reads the table once a run."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._was_read = False

    def ids(self, names: Collection[str], *, write: bool) -> dict[str, int]:
        """The region of each name. Unknown ones are added, or get a made-up negative id in a preview."""
        if not self._was_read:
            self._read()
        unknown = {fold(name): name for name in sorted(names) if fold(name) not in self._ids}
        if unknown and write:
            self._add(sorted(unknown.values()))
        elif unknown:
            self._ids |= {key: -1 - len(self._ids) - place for place, key in enumerate(sorted(unknown))}
        return {name: self._ids[fold(name)] for name in names}

    def _read(self) -> None:
        self._ids = {fold(name): pk for pk, name in Region.objects.order_by("-pk").values_list("pk", "name")}
        self._was_read = True

    def _add(self, names: Collection[str]) -> None:
        taken = {code.casefold() for code in Region.objects.values_list("code", flat=True)}
        regions = []
        for name in names:
            code = _free_code(name, taken)
            taken.add(code.casefold())
            regions.append(Region(name=name, code=code, discovered=True))
        Region.objects.bulk_create(regions)
        self._read()


def _free_code(name: str, taken: Collection[str]) -> str:
    """A short code made from the name, with a number when it is taken already."""
    base = re.sub(r"[^A-Z0-9]+", "-", name.upper()).strip("-")[: CODE_LENGTH - 4] or "REGION"
    number = 1
    while (code := base if number == 1 else f"{base}-{number}").casefold() in taken:
        number += 1
    return code
