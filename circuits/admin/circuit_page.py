"""What the list and the page of one circuit show."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.models import User
from circuits.admin import board, planned_units, progress_chart
from circuits.admin.holders import holder
from circuits.admin.summary import STATUS_TONES
from circuits.models import Circuit, CircuitUiState
from circuits.statuses import ApiStatus
from synclogs.admin import html, run_cells
from synclogs.admin.words import absolute, number

Facts = list[tuple[str, Any]]


def circuit_url(circuit: Circuit) -> str:
    """The address of a circuit's page."""
    return reverse("admin:circuits_circuit_change", args=[circuit.pk])


def order(circuit: Circuit) -> SafeString:
    """The work order, with a badge when this is a part of it."""
    badge = (
        html.label(circuit.extension, "info", title="Part of a split work order") if circuit.is_split else ""
    )
    return html.joined([circuit.work_order or "no work order", badge])


def status(circuit: Circuit) -> SafeString:
    """WorkStudio's status in its color."""
    known = circuit.api_status in ApiStatus.values
    tone = STATUS_TONES[ApiStatus(circuit.api_status)] if known else "mute"
    return html.label(circuit.get_api_status_display(), tone, title=circuit.api_status)


def progress(circuit: Circuit) -> SafeString:
    """Percent as a bar, with the miles planned of all miles."""
    percent = float(circuit.percent_complete)
    miles = f"{number(circuit.miles_planned)} / {number(circuit.total_miles)} mi"
    bar = html.bar(percent, tone="ok" if percent >= 100 else "info", text=f"{percent:.0f}%")
    return html.joined([bar, html.muted(miles)], "op-stack")


def flags(circuit: Circuit) -> SafeString:
    """What is unusual about a circuit; empty for most."""
    found = []
    if circuit.has_unsynchronized_edits:
        versions = f"version {circuit.ws_version}, merged up to {circuit.ws_sync_version}"
        title = f"WorkStudio holds edits that it has not merged yet: {versions}."
        found.append(html.label("unmerged edits", "warn", title=title))
    if circuit.is_excluded:
        found.append(html.label("not in reports", title=circuit.exclusion_reason))
    if circuit.deleted_at is not None:
        found.append(html.label("deleted", "bad", title=absolute(circuit.deleted_at)))
    return html.joined(found) if found else html.NOTHING


def page(circuit: Circuit, user: User) -> dict[str, Any]:
    """The read-only part of a circuit's page."""
    return {
        "circuit": circuit,
        "order": order(circuit),
        "status": status(circuit),
        "progress": progress(circuit),
        "flags": flags(circuit),
        "holder": holder(circuit),
        "family": family(circuit, user),
        "vendor_facts": present(vendor_facts(circuit)),
        "board_facts": present(board_facts(circuit)),
        "provenance": present(provenance(circuit)),
        "api_data": html.pretty_json(circuit.api_data),
        **measured(circuit, user),
        **board.choices(circuit, user),
    }


def measured(circuit: Circuit, user: User) -> dict[str, Any]:
    """Planned units and progress over time, each for those who may see such rows. Three queries."""
    found: dict[str, Any] = {}
    if user.has_perm("circuits.view_circuitaggregate"):
        found |= {"sees_planned": True, "planned": planned_units.latest(circuit)}
    if user.has_perm("circuits.view_circuitsnapshot"):
        found |= {"sees_progress": True, "progress_over_time": progress_chart.progress(circuit)}
    return found


def present(facts: Facts) -> Facts:
    """Only the facts that have a value."""
    return [(name, value) for name, value in facts if value not in ("", None, html.EMPTY)]


def vendor_facts(circuit: Circuit) -> Facts:
    """What WorkStudio says."""
    return [
        ("Title", circuit.title),
        ("Line", circuit.line_name if circuit.line_name != circuit.title else ""),
        ("Region", circuit.region),
        ("Contractor", circuit.contractor),
        ("Job type", circuit.job_type),
        ("Cycle", circuit.cycle_type),
        ("Miles", f"{number(circuit.miles_planned)} planned of {number(circuit.total_miles)}"),
        ("Acres", number(circuit.total_acres)),
        ("Work plan starts", circuit.start_date and f"{circuit.start_date:%b} {circuit.start_date:%-d, %Y}"),
        ("Taken by", circuit.taken_by),
        ("Last edit", html.when(circuit.api_modified_at)),
        ("Version", _versions(circuit)),
        ("Comments", circuit.comments),
        ("Job GUID", circuit.job_guid),
    ]


def board_facts(circuit: Circuit) -> Facts:
    """Where it stands on the board."""
    state = CircuitUiState.objects.filter(circuit=circuit).select_related("stage_changed_by").first()
    if state is None:
        return [("Stage", html.muted("not on the board yet"))]
    by = f"by {state.stage_changed_by}" if state.stage_changed_by else ""
    moved = html.joined([html.when(state.stage_changed_at), html.muted(by)]) if state.stage_changed_at else ""
    marks = [word for word, on in (("pinned", state.is_pinned), ("hidden", state.is_hidden)) if on]
    return [
        ("Stage", html.label(state.get_workflow_stage_display())),
        ("Moved", moved),
        ("Marks", ", ".join(marks)),
        ("Notes", state.notes),
    ]


def provenance(circuit: Circuit) -> Facts:
    """Where the row comes from."""
    run = circuit.last_run
    return [
        ("Last change seen", html.when(circuit.last_synced_at)),
        ("By run", html.joined([run_cells.run_link(run), run_cells.status(run)]) if run else ""),
        ("First seen", html.when(circuit.created_at)),
        ("Planned units", html.when(circuit.last_planned_units_synced_at, empty="never fetched")),
        ("Units are synced", "" if circuit.planned_units_sync_enabled else "no"),
        ("Left out", _exclusion(circuit)),
        ("Content hash", circuit.content_hash),
    ]


def family(circuit: Circuit, user: User) -> list[dict[str, Any]]:
    """The whole and the parts of a split work order, this one included; empty when it is not split."""
    root = circuit.parent_circuit_id or circuit.pk
    members = Circuit.objects.visible_to(user).present().filter(Q(pk=root) | Q(parent_circuit_id=root))
    rows = sorted(members, key=lambda member: (member.is_split, member.extension))
    if len(rows) < 2:
        return []
    return [
        {
            "link": html.link(circuit_url(member), member.display_work_order),
            "here": member.pk == circuit.pk,
            "status": status(member),
            "progress": progress(member),
        }
        for member in rows
    ]


def _versions(circuit: Circuit) -> str:
    if circuit.ws_version is None:
        return ""
    merged = "" if circuit.ws_sync_version is None else f", merged up to {circuit.ws_sync_version}"
    return f"{circuit.ws_version}{merged}"


def _exclusion(circuit: Circuit) -> str:
    if not circuit.is_excluded or circuit.excluded_at is None:
        return ""
    return html.joined([html.when(circuit.excluded_at), html.muted(f"by {circuit.excluded_by or 'unknown'}")])
