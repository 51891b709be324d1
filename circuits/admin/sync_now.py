"""Starting a circuit sync from the admin."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin

from circuits.services import queue_circuit_sync, workstudio_connection
from circuits.statuses import ApiStatus
from synclogs.admin.base import signed_in_user


class SyncForm(forms.Form):
    """Which statuses to sync."""

    statuses = forms.MultipleChoiceField(
        choices=[(status.value, status.label) for status in ApiStatus],
        initial=[ApiStatus.ACTIV.value],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one status."},
    )


def sync_page(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Asks which statuses to sync (GET), or queues the sync and goes to its job (POST)."""
    form = SyncForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return queue(model_admin, request, [ApiStatus(value) for value in form.cleaned_data["statuses"]])
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Sync circuits now",
        "sync_form": form,
    }
    return TemplateResponse(request, "admin/circuits/sync.html", context, status=400 if form.errors else 200)


def queue(model_admin: ModelAdmin, request: HttpRequest, statuses: list[ApiStatus]) -> HttpResponse:
    """Queue a sync of these statuses, leave a trace on the connection, and go to the job."""
    before = timezone.now()
    job = queue_circuit_sync(statuses, triggered_by=signed_in_user(request))
    codes = ", ".join(statuses)
    if job.created_at < before:
        text = f"A sync of {codes} is {job.get_status_display()} already: this is it."
        model_admin.message_user(request, text, messages.WARNING)
    else:
        model_admin.log_change(
            request, workstudio_connection(), f"Queued a circuit sync of {codes}: job {job.pk}."
        )
        text = f"A sync of {codes} is queued. This page follows it."
        model_admin.message_user(request, text, messages.SUCCESS)
    return redirect("admin:synclogs_job_change", job.pk)
