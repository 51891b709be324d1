"""What all operators' pages share: scoping, read-only pages, POST-only changes that leave a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_POST, require_safe
from unfold.admin import ModelAdmin

from accounts.models import User

View = Callable[..., HttpResponse]


def signed_in_user(request: HttpRequest) -> User:
    """The person behind a request. Raises PermissionDenied when there is none."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class OperatorAdmin(ModelAdmin):
    """A list over the whole width, whose empty state says what to do next. Nothing is added or deleted.

    `empty_title` and `empty_text` are shown when there is no row at all; `quick_filters` are (text, query
    string) of the filters that are used most.
    """

    list_fullwidth = True
    list_filter_submit = True
    list_per_page = 50
    show_facets = False
    change_list_template = "admin/operator_list.html"
    empty_title: ClassVar[str] = "Nothing here yet"
    empty_text: ClassVar[str] = ""
    quick_filters: ClassVar[tuple[tuple[str, str], ...]] = ()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list under its plain name."""
        title = capfirst(self.opts.verbose_name_plural)
        answer: HttpResponse = super().changelist_view(request, {"title": title, **(extra_context or {})})
        return answer

    def has_add_permission(self, request: HttpRequest) -> bool:
        """No: rows come from syncs."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: `prune` deletes what is old."""
        return False

    def url_of(self, obj: Model) -> str:
        """The address of a row's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])

    def name_of(self, view: str) -> str:
        """The URL name of one of this admin's own views."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{view}"

    def post_path(self, route: str, view: View, name: str) -> URLPattern:
        """A view that changes something: for signed-in staff, by POST with a CSRF token only."""
        return path(route, self.admin_site.admin_view(require_POST(view)), name=self.name_of(name))

    def read_path(self, route: str, view: View, name: str) -> URLPattern:
        """A view that only reads: for signed-in staff, by GET only."""
        return path(route, self.admin_site.admin_view(require_safe(view)), name=self.name_of(name))

    def found(self, request: HttpRequest, object_id: object) -> Any:
        """The row of this id if the user may see it, else None, also for rows of other accounts."""
        return self.get_object(request, unquote(str(object_id)))

    def missing(self, request: HttpRequest, object_id: object) -> HttpResponse:
        """The answer for a row that does not exist, or not for this user."""
        answer: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id))
        return answer

    def done(self, request: HttpRequest, obj: Model, trace: str, message: str) -> None:
        """Leave a trace of a change on the row, and tell the user."""
        self.log_change(request, obj, trace)
        self.message_user(request, message, messages.SUCCESS)

    def refused(self, request: HttpRequest, message: str) -> None:
        """Tell the user that something was not done, and why."""
        self.message_user(request, message, messages.ERROR)


class VisibleOnly(ModelAdmin):
    """Mixed into an admin whose rows belong to somebody: shows only those that the user may see."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The visible rows."""
        rows: QuerySet[Any] = super().get_queryset(request).visible_to(signed_in_user(request))
        return rows


class ReadOnlyAdmin(OperatorAdmin):
    """Rows that nobody edits. Each has a page of its own making in place of a form.

    `detail_template` gets what `detail` returns. `live_parts` are the pieces of it that change by themselves.
    """

    detail_template: ClassVar[str]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: the ledger is written by the engine alone."""
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The row's page."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        obj = self.found(request, object_id)
        if obj is None:
            return self.missing(request, object_id)
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": obj,
            "title": self.title_of(obj),
            "media": self.media,
            **self.detail(request, obj),
        }
        return TemplateResponse(request, self.detail_template, context)

    def title_of(self, obj: Any) -> str:
        """The name of a row's page in the browser."""
        return str(obj)

    def detail(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What the page of a row shows."""
        raise NotImplementedError
