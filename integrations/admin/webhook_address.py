"""Telling whoever governs a credential the address that its vendor is to send webhooks to."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from integrations.admin.credential_cells import provider
from integrations.credentials.encryption import SecretUnreadable
from integrations.models import Credential
from integrations.registry import webhook_of
from integrations.webhooks import keys
from synclogs.admin.base import OperatorAdmin

ADVICE = "Whoever knows it can send in this vendor's name: enter it there, and keep it nowhere else."
ROTATED = f"The addresses before it go on working for {keys.OVERLAP.days} days. {ADVICE}"


def has_address(credential: Credential) -> bool:
    """Whether its vendor sends webhooks."""
    return webhook_of(credential.provider) is not None


def address_page(model_admin: OperatorAdmin, request: HttpRequest, credential: Credential) -> HttpResponse:
    """The address, or with `rotate` a new one. The answer to a POST: no history and no cache keeps it."""
    back = model_admin.url_of(credential)
    rotate = request.POST.get("rotate") == "1"
    if not has_address(credential):
        model_admin.refused(request, f"{provider(credential)} sends no webhooks.")
        return redirect(back)
    try:
        key = keys.rotate_key(credential, overlap=keys.OVERLAP) if rotate else keys.current_key(credential)
    except (SecretUnreadable, ImproperlyConfigured) as error:
        model_admin.refused(request, f"There is no address: {error}.")
        return redirect(back)
    model_admin.log_change(
        request, credential, "Webhook address renewed." if rotate else "Webhook address shown."
    )
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Webhook address",
        "heading": f"Where {provider(credential)} sends webhooks of {credential}",
        "advice": ROTATED if rotate else ADVICE,
        "address": keys.address(credential, key),
        "back": back,
    }
    response = TemplateResponse(request, "admin/integrations/webhook_address.html", context)
    add_never_cache_headers(response)
    return response
