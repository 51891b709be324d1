"""A delivery's body for people: redacted, escaped, and never more than a page can hold."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.models import WebhookDelivery
from integrations.webhooks.messages import Malformed, inflate, json_object
from synclogs.admin import html
from synclogs.redaction import redact_text

MOST_AS_JSON = 256 << 10
MOST_AS_TEXT = 16 << 10
MOST_INFLATED = 64 << 20


def shown_body(delivery: WebhookDelivery) -> SafeString:
    """JSON in order, the beginning of anything long, or a word on why there is nothing to show."""
    if delivery.body is None:
        return html.muted("Nothing of a refused delivery is kept.")
    raw = bytes(delivery.body)
    try:
        content = inflate(raw, str(delivery.headers.get("content-encoding", "")), MOST_INFLATED)
    except Malformed as error:
        return html.muted(f"It cannot be shown: {error}.")
    if len(content) <= MOST_AS_JSON:
        try:
            return html.pretty_json(json_object(content))
        except Malformed:
            pass
    text = content[:MOST_AS_TEXT].decode("utf-8", "replace").replace("\x00", "�")
    left = len(content) - MOST_AS_TEXT
    more = html.muted(f"… and {left:,} bytes more.") if left > 0 else html.NOTHING
    return format_html('<pre class="op-pre">{}</pre>{}', redact_text(text), more)
