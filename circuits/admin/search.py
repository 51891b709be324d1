"""What the search of the sidebar finds besides pages: circuits and planners' names."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from circuits.admin.circuit_page import circuit_url
from circuits.models import Circuit, UnlinkedPlanner
from synclogs.admin.base import signed_in_user

SHORTEST = 3
SHOWN = 20


def find(request: HttpRequest, words: str) -> list[SearchResult]:
    """Up to twenty of each that contain the text and that the user may see; nothing for very short texts."""
    user, words = signed_in_user(request), words.strip()
    if len(words) < SHORTEST:
        return []
    found = []
    if user.has_perm("circuits.view_circuit"):
        match = Q(work_order__icontains=words) | Q(title__icontains=words) | Q(job_guid__iexact=words)
        circuits = Circuit.objects.visible_to(user).present().filter(match)[:SHOWN]
        found += [
            SearchResult(str(circuit), circuit.get_api_status_display(), circuit_url(circuit), "route")
            for circuit in circuits
        ]
    if user.has_perm("circuits.view_unlinkedplanner"):
        planners = UnlinkedPlanner.objects.filter(ws_username__icontains=words)[:SHOWN]
        found += [
            SearchResult(str(planner), "Unlinked planner", _planner_url(planner), "person_alert")
            for planner in planners
        ]
    return found


def _planner_url(planner: UnlinkedPlanner) -> str:
    return reverse("admin:circuits_unlinkedplanner_change", args=[planner.pk])
