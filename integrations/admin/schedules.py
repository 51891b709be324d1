"""Schedules: what starts by the clock, when next, and what is missing."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django_q.models import Schedule as Row
from unfold.admin import ModelAdmin

from integrations.schedules.declared import TIME_ZONE, declared_schedules
from integrations.schedules.loading import FIRE, next_times
from synclogs.admin import html


def schedules_page(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Every schedule, declared or loaded. Raises PermissionDenied for users who may not see connections."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    schedules = schedule_rows()
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Schedules",
        "schedules": schedules,
        "missing": sum(not schedule["loaded"] for schedule in schedules),
        "time_zone": TIME_ZONE.replace("_", " "),
    }
    return TemplateResponse(request, "admin/integrations/schedules.html", context)


def schedule_rows() -> list[dict[str, Any]]:
    """Declared schedules and loaded ones, by name, with the next three times of those that are loaded."""
    loaded = {str(row.name): row for row in Row.objects.filter(func=FIRE).order_by("-pk")}
    declared = declared_schedules()
    return [
        _row(name, loaded.get(name), declared[name].cron if name in declared else "", _note(name))
        for name in sorted({*loaded, *declared})
    ]


def _note(name: str) -> str:
    schedule = declared_schedules().get(name)
    return schedule.note if schedule else ""


def _row(name: str, row: Any, declared_cron: str, note: str) -> dict[str, Any]:
    cron = str(row.cron or "") if row else declared_cron
    if row is None:
        state = html.label("not loaded", "warn", title="Run `manage.py schedules load`.")
    elif not declared_cron:
        state = html.label("not declared any more", "warn", title="`manage.py schedules load` removes it.")
    elif cron != declared_cron:
        state = html.label("out of date", "warn", title=f"Declared as {declared_cron}: load it again.")
    else:
        state = html.label("loaded", "ok")
    return {
        "name": name,
        "note": note,
        "cron": cron,
        "state": state,
        "loaded": row is not None and cron == declared_cron,
        "times": _times(row) if row is not None else [],
    }


def _times(row: Any) -> list[Any]:
    """The next three times: the one that is stored, which may be overdue, and two after it."""
    try:
        if row.next_run is None:
            moments = next_times(row.cron, timezone.now())
        else:
            moments = [row.next_run, *next_times(row.cron, max(row.next_run, timezone.now()), 2)]
    except (ValueError, TypeError, AttributeError):
        return []
    return [html.stacked(f"{_local(moment)}", html.when(moment)) for moment in moments]


def _local(moment: Any) -> str:
    local = timezone.localtime(moment)
    clock = f"{local:%I:%M %p %Z}".lstrip("0")
    return f"{local:%a, %b} {local.day}, {clock}"
