"""How the admin looks."""

from typing import Any

UNFOLD: dict[str, Any] = {"SITE_TITLE": "syncplatform", "SITE_HEADER": "syncplatform"}
