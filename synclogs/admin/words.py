"""Numbers, durations and moments as people read them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils import timezone

MINUTE, HOUR, DAY = 60, 3600, 86_400


def number(value: float | Decimal) -> str:
    """A number with thousands separators; at most two decimals, none when they are zero."""
    text = f"{value:,.2f}"
    return text.removesuffix("00").removesuffix(".") if text.endswith("00") else text


def counted(value: int, singular: str, plural: str = "") -> str:
    """A number with its noun: `1 record`, `1,204 records`."""
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def humanized(slug: str) -> str:
    """A slug as words: `circuit_list` becomes `Circuit list`."""
    return slug.replace("_", " ").replace("-", " ").strip().capitalize()


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units; empty when it is not known."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{counted(whole // DAY, 'day')} {whole % DAY // HOUR} h"


def ago(moment: datetime) -> str:
    """How far a moment is from now, in one unit. The script `live.js` keeps this wording up to date."""
    seconds = (timezone.now() - moment).total_seconds()
    distance = abs(seconds)
    if distance < 5:
        return "just now" if seconds >= 0 else "in a moment"
    if distance < MINUTE:
        text = f"{distance:.0f} s"
    elif distance < HOUR:
        text = f"{distance // MINUTE:.0f} min"
    elif distance < DAY:
        text = f"{distance // HOUR:.0f} h"
    else:
        text = counted(int(distance // DAY), "day")
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def absolute(moment: datetime) -> str:
    """A moment in the current time zone, with its name: `Mon, Jan 5, 2026, 4:30:12 AM EST`."""
    local = timezone.localtime(moment)
    return f"{local:%a, %b} {local.day}, {local:%Y}, {local:%I:%M:%S %p %Z}".replace(", 0", ", ")


def clock(moment: datetime) -> str:
    """The time of day of a moment in the current time zone, with the date when it is not today."""
    local = timezone.localtime(moment)
    text = f"{local:%I:%M %p}".lstrip("0")
    return text if local.date() == timezone.localdate() else f"{text} on {local:%a, %b} {local.day}"
