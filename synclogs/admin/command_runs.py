"""Commands: which were called, by cron or by hand, and how each ended."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter

from accounts.models import User
from synclogs.admin import html
from synclogs.admin.base import ReadOnlyAdmin, signed_in_user
from synclogs.admin.filters import StartedFilter, ValuesFilter
from synclogs.admin.run_cells import run_link
from synclogs.admin.words import absolute, duration, humanized, number
from synclogs.models import CommandExecution, CommandStatus

TONES = {CommandStatus.STARTED: "info", CommandStatus.COMPLETED: "ok", CommandStatus.FAILED: "bad"}


class CommandFilter(ValuesFilter):
    """Calls of one command."""

    title = "command"
    parameter_name = "command"

    def text(self, value: str) -> str:
        """The name as it is typed."""
        return value


class CommandStartedFilter(StartedFilter):
    """Commands started lately."""


@admin.register(CommandExecution)
class CommandExecutionAdmin(ReadOnlyAdmin):
    """Every call of a command that may have written something, newest first."""

    list_display: ClassVar[Any] = ("what", "state", "started", "took", "did", "problem")
    list_filter: ClassVar[Any] = (
        ("status", MultipleChoicesDropdownFilter),
        CommandFilter,
        CommandStartedFilter,
    )
    search_fields = ("command", "error_code", "error")
    search_help_text = "Search command or error"
    ordering = ("-started_at",)
    detail_template = "admin/synclogs/commandexecution/detail.html"
    quick_filters = (("Failed", "status__exact=failed"), ("Last 24 hours", "started_within=1"))
    empty_title = "No commands yet"
    empty_text = "Calls of `manage.py` commands that write something appear here; dry runs do not."

    def get_queryset(self, request: HttpRequest) -> QuerySet[CommandExecution]:
        """Commands of the user's accounts, and those that belong to no account."""
        user = signed_in_user(request)
        rows = CommandExecution.objects.order_by(*self.ordering)
        if not user.sees_all_accounts:
            own = Q(account__in=user.membership_set.values("account"))
            rows = rows.filter(own | Q(account__isnull=True))
        match = request.resolver_match
        if match is not None and "object_id" in match.kwargs:
            rows = rows.select_related("run", "account")
        return rows

    @admin.display(description="command", ordering="command")
    def what(self, execution: CommandExecution) -> SafeString:
        """Its name and action."""
        action = "" if execution.action == "run" else execution.action
        return html.stacked(execution.command, html.muted(action))

    @admin.display(description="status", ordering="status")
    def state(self, execution: CommandExecution) -> SafeString:
        """How it ended, or that it goes on."""
        return status(execution)

    @admin.display(ordering="started_at")
    def started(self, execution: CommandExecution) -> SafeString:
        """When."""
        return html.when(execution.started_at)

    @admin.display(ordering="duration_ms")
    def took(self, execution: CommandExecution) -> SafeString:
        """For how long."""
        return html.muted(_seconds(execution)) or html.EMPTY

    @admin.display(description="counts")
    def did(self, execution: CommandExecution) -> SafeString:
        """What it counted."""
        chips = [html.chip(value, _noun(name)) for name, value in _counts(execution).items() if value]
        return html.joined(chips[:5], "op-row op-chips") if chips else html.EMPTY

    @admin.display(description="error", ordering="error_code")
    def problem(self, execution: CommandExecution) -> SafeString:
        """What went wrong, in one line."""
        return html.clipped(execution.error or execution.error_code, tone="bad")

    def title_of(self, obj: CommandExecution) -> str:
        """Its name."""
        return obj.command

    def detail(self, request: HttpRequest, obj: CommandExecution) -> dict[str, Any]:
        """What the page of a call shows."""
        user = signed_in_user(request)
        return {
            "execution": obj,
            "status": status(obj),
            "facts": [(name, value) for name, value in facts(obj, user) if value],
            "counts": [
                {"name": humanized(name), "value": number(value), "tone": "plain" if value else "zero"}
                for name, value in _counts(obj).items()
            ],
            "args_json": html.pretty_json(obj.args),
        }


def status(execution: CommandExecution) -> SafeString:
    """The status in its color."""
    return html.label(execution.get_status_display(), TONES[CommandStatus(execution.status)])


def facts(execution: CommandExecution, user: User) -> list[tuple[str, Any]]:
    """What is known of a call; values that are not are empty."""
    run = execution.run if user.has_perm("synclogs.view_synclog") else None
    started, ended = execution.started_at, execution.finished_at
    return [
        ("Action", execution.action),
        ("Started", html.joined([html.when(started), html.muted(absolute(started))])),
        ("Ended", html.joined([html.when(ended), html.muted(absolute(ended))]) if ended else ""),
        ("Took", _seconds(execution)),
        ("Run", run_link(run) if run else ""),
        ("Account", html.row_link(execution.account, user)),
    ]


def _seconds(execution: CommandExecution) -> str:
    return duration(execution.duration_ms / 1000) if execution.duration_ms is not None else ""


def _counts(execution: CommandExecution) -> dict[str, int]:
    found = execution.counters.items() if isinstance(execution.counters, dict) else ()
    return {name: value for name, value in found if isinstance(value, int) and not isinstance(value, bool)}


def _noun(name: str) -> str:
    return humanized(name).lower()
