"""The two pages of connecting: off to the vendor, and back."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account, User
from integrations import registry
from integrations.models import Credential
from integrations.oauth.declaration import OAuth
from integrations.oauth.errors import AuthorizationFailed
from integrations.oauth.finish import finish
from integrations.oauth.start import start
from integrations.registry import Provider

CONNECT = "integrations.add_credential"
RECONNECT = "integrations.change_credential"


@never_cache
@login_required(login_url="admin:login")
@require_POST
def start_view(request: HttpRequest, provider: str) -> HttpResponse:
    """Send the user to the vendor's consent page: for `credential` to reconnect it, else for `account`."""
    vendor, oauth = _vendor(provider)
    user = _user(request)
    credential = _credential(user, vendor, request.POST.get("credential", ""))
    if not user.has_perm(CONNECT if credential is None else RECONNECT):
        raise PermissionDenied
    account = credential.account if credential else _account(user, request.POST.get("account", ""))
    try:
        address = start(
            vendor,
            oauth,
            account=account,
            user=user,
            session_key=_session_key(request),
            redirect_uri=callback_address(request, vendor.slug),
            credential=credential,
        )
    except AuthorizationFailed as error:
        return _failure(request, vendor, error)
    return HttpResponseRedirect(address)


@never_cache
@login_required(login_url="admin:login")
@require_GET
def callback_view(request: HttpRequest, provider: str) -> HttpResponse:
    """Take the vendor's answer, and go to the credential or say what went wrong."""
    vendor, oauth = _vendor(provider)
    user = _user(request)
    if not (user.has_perm(CONNECT) or user.has_perm(RECONNECT)):
        raise PermissionDenied
    try:
        credential = finish(vendor, oauth, request.GET.dict(), user=user, session_key=_session_key(request))
    except AuthorizationFailed as error:
        return _failure(request, vendor, error)
    LogEntry.objects.log_actions(
        user.pk, [credential], CHANGE, change_message=f"Connected through {vendor.label}.", single_object=True
    )
    text = f"{vendor.label} is connected."
    if oauth.waits_for_approval:
        text += f" Now approve the access in the {vendor.label} app: it is waited for."
    messages.success(request, text)
    return redirect("admin:integrations_credential_change", credential.pk)


def callback_address(request: HttpRequest, provider: str) -> str:
    """Where the vendor sends people back to; it has to be registered with the application."""
    return request.build_absolute_uri(reverse("oauth:callback", args=[provider]))


def _failure(request: HttpRequest, vendor: Provider, error: AuthorizationFailed) -> HttpResponse:
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"{vendor.label} is not connected",
        "failure": error,
        "back": reverse("admin:integrations_integration_changelist"),
    }
    return render(request, "oauth/failed.html", context, status=error.status)


def _vendor(slug: str) -> tuple[Provider, OAuth]:
    try:
        vendor = registry.get_provider(slug)
    except LookupError:
        raise Http404 from None
    if vendor.oauth is None:
        raise Http404
    return vendor, vendor.oauth


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not request.user.is_staff:
        raise PermissionDenied
    return request.user


def _account(user: User, pk: str) -> Account:
    """An account that the user may see; any other does not exist."""
    visible = (
        Account.objects.all() if user.sees_all_accounts else Account.objects.filter(membership__user=user)
    )
    account = visible.filter(pk=pk).first() if pk.isdecimal() else None
    if account is None or not account.is_active:
        raise Http404
    return account


def _credential(user: User, vendor: Provider, pk: str) -> Credential | None:
    if not pk:
        return None
    rows = Credential.objects.visible_to(user).filter(provider=vendor.slug)
    found = rows.filter(pk=pk).first() if pk.isdecimal() else None
    if found is None:
        raise Http404
    return found


def _session_key(request: HttpRequest) -> str:
    return request.session.session_key or ""
