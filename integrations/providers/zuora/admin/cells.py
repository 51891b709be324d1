"""What lists and pages say of customers, workflows and runs."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from integrations.providers.zuora.limits import LOW_SHARE
from integrations.providers.zuora.models import CustomerStatus, Workflow, WorkflowRun, ZuoraCustomer
from synclogs.admin import html
from synclogs.admin.words import counted, number

STATUS_TONES = {
    CustomerStatus.ACTIVE: "ok",
    CustomerStatus.INACTIVE: "mute",
    CustomerStatus.NEEDS_ATTENTION: "bad",
}
ADVICE = {
    CustomerStatus.ACTIVE: "It is synced with all others. There is nothing to do.",
    CustomerStatus.INACTIVE: "It is synced only when somebody asks for it by name.",
    CustomerStatus.NEEDS_ATTENTION: (
        "Zuora refused its client, so it is not synced any more. Check client ID, secret and data center (a "
        "wrong data center looks like a wrong secret), test the connection, then re-activate it."
    ),
}
RUN_TONES = {"Finished": "ok", "Stopped": "mute", "Processing": "info", "Queued": "info", "Stopping": "warn"}


def status(customer: ZuoraCustomer) -> SafeString:
    """Whether it is synced, and whether that fails."""
    text = html.label(customer.get_sync_status_display(), STATUS_TONES[CustomerStatus(customer.sync_status)])
    if customer.consecutive_failures:
        failing = html.label(f"failed {counted(customer.consecutive_failures, 'time')}", "warn")
        return html.joined([text, failing])
    return text


def advice(customer: ZuoraCustomer) -> str:
    """What an operator should do."""
    if customer.sync_status == CustomerStatus.ACTIVE and customer.consecutive_failures:
        return "It is synced with all others, but the last syncs failed: read the error below and its runs."
    return ADVICE[CustomerStatus(customer.sync_status)]


def last_error(customer: ZuoraCustomer) -> SafeString:
    """The last error in one line."""
    return html.clipped(customer.last_error, tone="bad") if customer.last_error else html.EMPTY


def calls_left(customer: ZuoraCustomer) -> SafeString:
    """What Zuora said last of the tenant's limit."""
    limit, left = customer.rate_limit_limit, customer.rate_limit_remaining
    if not limit or left is None:
        return html.EMPTY
    tone = "warn" if left < limit * LOW_SHARE else "ok"
    drawn = html.bar(100 * left / limit, tone=tone, text=f"{number(left)} of {number(limit)}")
    resets = customer.rate_limit_reset_at
    if resets is None or resets <= timezone.now():
        return html.joined([drawn, html.muted("when last seen")])
    return html.joined([drawn, html.muted("until"), html.when(resets)])


def rows_link(model: str, customer: ZuoraCustomer, text: str) -> SafeString:
    """On to a customer's rows of a model."""
    query = urlencode({"customer__id__exact": customer.pk})
    return html.link(f"{reverse(f'admin:zuora_{model}_changelist')}?{query}", text)


def triggers(workflow: Workflow) -> SafeString:
    """What starts it."""
    found = [
        html.label(name, "info")
        for name, is_on in (
            ("schedule", workflow.scheduled_trigger),
            ("on demand", workflow.ondemand_trigger),
            ("callout", workflow.callout_trigger),
        )
        if is_on
    ]
    return html.joined(found) if found else html.EMPTY


def version(workflow: Workflow) -> SafeString:
    """The version that runs, and how many others wait."""
    if not workflow.active_version:
        return html.muted("none active")
    others = len(workflow.inactive_versions or ())
    return html.stacked(workflow.active_version, html.muted(f"and {others} inactive" if others else ""))


def workflow_state(workflow: Workflow) -> SafeString:
    """Zuora's status; removed where Zuora has it no more."""
    if workflow.removed_at is not None:
        return html.joined([html.label("removed", "mute"), html.when(workflow.removed_at)])
    tone = "ok" if workflow.status == "Active" else "mute"
    return html.label(workflow.status or "unknown", tone)


def run_state(run: WorkflowRun) -> SafeString:
    """Where it stands; a finished run whose tasks failed is no success."""
    parts = [html.label(run.status or "unknown", RUN_TONES.get(run.status, "mute"))]
    if run.has_errors:
        parts.append(html.label(f"{counted(run.tasks_error, 'task')} failed", "bad"))
    if run.purged_at is not None:
        parts.append(html.label("purged", "mute", title="Zuora has deleted it before its end was seen."))
    return html.joined(parts)
