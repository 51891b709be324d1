"""What can be done with a connection, as buttons."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.safestring import SafeString

from integrations.models import Integration
from integrations.polling import routing
from synclogs.admin import html

DAY = SafeString('<label class="op-row">Again from <input type="date" name="since" class="op-date"></label>')


def buttons(connection: Integration, url_of: Callable[[str], str]) -> SafeString:
    """The operations that make sense for this connection; `url_of` knows where each is posted to."""

    def button(name: str, text: str, icon: str) -> SafeString:
        return html.post_button(text, url_of(name), icon=icon)

    kind = routing.instance_type_of(connection)
    polled = kind is not None and kind.fetch is not None
    offered = [button("fetch", "Poll now", "sync")] if polled else []
    if connection.paused:
        offered.append(button("resume", "Resume", "play_arrow"))
    else:
        offered.append(button("pause", "Pause", "pause"))
    if kind is not None and kind.init is not None:
        offered.append(button("initialize", "Read its history", "history"))
    if connection.credential_id is not None:
        offered.append(button("disconnect", "Disconnect", "link_off"))
    if not polled:
        return html.joined(offered)
    again = button("fetch_since", "Read again", "replay")
    return html.stacked(html.joined(offered), html.joined([DAY, again], "op-row op-move"))
