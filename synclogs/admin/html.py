"""Pieces of the operators' pages: labels, moments, bars, chips, buttons. Their looks are in `admin.css`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from synclogs.admin import words
from synclogs.redaction import redact_value

NOTHING = mark_safe("")
EMPTY = mark_safe('<span class="op-none">–</span>')


def label(text: str, tone: str = "mute", *, title: str = "", icon: str = "") -> SafeString:
    """A colored label; `tone` is ok, info, warn, bad or mute."""
    return format_html('<span class="op-label op-{}"{}>{}{}</span>', tone, _title(title), _icon(icon), text)


def muted(text: str, *, title: str = "") -> SafeString:
    """Text that may be overlooked."""
    if not text:
        return NOTHING
    return format_html('<span class="op-muted"{}>{}</span>', _title(title), text)


def clipped(text: str, *, tone: str = "") -> SafeString:
    """One line of text, cut where the room ends; all of it on hover."""
    if not text:
        return EMPTY
    return format_html('<span class="op-clip op-text-{}" title="{}">{}</span>', tone, text, text)


def when(moment: datetime | None, *, empty: str = "") -> SafeString:
    """A moment relative to now, absolute on hover; `live.js` keeps it true."""
    if moment is None:
        return muted(empty) if empty else EMPTY
    return format_html(
        '<time class="op-when" datetime="{}" title="{}" data-ago>{}</time>',
        moment.isoformat(),
        words.absolute(moment),
        words.ago(moment),
    )


def link(url: str, text: object, *, title: str = "") -> SafeString:
    """A link."""
    return format_html('<a class="op-link" href="{}"{}>{}</a>', url, _title(title), text)


def row_link(row: Model | None, user: User) -> SafeString | str:
    """A row by its name, as a link to its page for users who may see it; empty when there is none."""
    if row is None:
        return ""
    app, model = row._meta.app_label, row._meta.model_name
    if not user.has_perm(f"{app}.view_{model}"):
        return str(row)
    return link(reverse(f"admin:{app}_{model}_change", args=[row.pk]), row)


def chip(value: int, noun: str, tone: str = "mute") -> SafeString:
    """A count with its noun, dimmed when it is zero."""
    shown = tone if value else "zero"
    return format_html('<span class="op-chip op-{}"><b>{}</b> {}</span>', shown, words.number(value), noun)


def joined(parts: Iterable[SafeString | str], css: str = "op-row") -> SafeString:
    """Pieces beside each other."""
    return format_html(
        '<span class="{}">{}</span>', css, format_html_join("", "{}", ((part,) for part in parts))
    )


def stacked(*parts: SafeString | str) -> SafeString:
    """Pieces one below the other."""
    return joined((part for part in parts if part), "op-stack")


def bar(percent: float, *, tone: str = "info", title: str = "", text: str = "") -> SafeString:
    """A progress bar, with its figures beside it when `text` is given."""
    width = f"{min(100.0, max(0.0, percent)):.1f}"
    drawn = format_html(
        '<span class="op-bar"{}><span class="op-fill op-{}" style="width:{}%"></span></span>',
        _title(title), tone, width,
    )  # fmt: skip
    return format_html('<span class="op-progress">{}<span>{}</span></span>', drawn, text) if text else drawn


def post_button(
    text: str,
    url: str,
    *,
    tone: str = "",
    icon: str = "",
    form: str = "",
    name: str = "",
    value: object = "",
) -> SafeString:
    """A button that posts to `url` with the token of the form around it, or of the form whose id is given."""
    return format_html(
        '<button type="submit" class="op-button op-{}" formmethod="post" formaction="{}"{}{}>{}{}</button>',
        tone,
        url,
        format_html(' form="{}"', form) if form else "",
        format_html(' name="{}" value="{}"', name, value) if name else "",
        _icon(icon),
        text,
    )


def pretty_json(value: Any) -> SafeString:
    """A JSON value for people, without anything secret."""
    if not value:
        return muted("empty")
    text = json.dumps(redact_value(value), indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
    return format_html('<pre class="op-pre">{}</pre>', text)


def live(part: str, content: SafeString | str) -> SafeString:
    """A piece that `live.js` replaces by the piece of the same name in a live answer."""
    return format_html('<span data-part="{}">{}</span>', part, content)


def _title(text: str) -> SafeString:
    return format_html(' title="{}"', text) if text else NOTHING


def _icon(name: str) -> SafeString:
    if not name:
        return NOTHING
    return format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', name)
