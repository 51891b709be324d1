"""The live channels and who may listen to them: docs/events.md, "Live channels"."""

from __future__ import annotations

import re
from collections.abc import Callable

from accounts.models import User

MayListen = Callable[[User, re.Match[str]], bool]

_channels: dict[str, tuple[re.Pattern[str], MayListen]] = {}


def register_channel(pattern: str, may_listen: MayListen) -> None:
    """Declare the channels whose whole name matches `pattern`, and who may listen to one of them."""
    _channels[pattern] = (re.compile(pattern), may_listen)


def may_listen(user: User, channel: str) -> bool:
    """Whether a signed-in, active user may listen to a channel; nobody may to one that is not declared."""
    if not (user.is_authenticated and user.is_active):
        return False
    for pattern, allows in _channels.values():
        if match := pattern.fullmatch(channel):
            return allows(user, match)
    return False


register_channel("dashboard", lambda user, match: True)
register_channel("sync-status", lambda user, match: user.has_perm("synclogs.operate_syncs"))
