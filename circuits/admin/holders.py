"""Who has a circuit: the user who carries the WorkStudio name that has it checked out, or that name alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from accounts.models import User, normalize_ws_username
from circuits.models import Circuit, CircuitPlanner, UnlinkedPlanner
from synclogs.admin import html

CharField.register_lookup(Lower)


def attach_unlinked(circuits: Sequence[Circuit], user: User) -> None:
    """Tell each circuit whether a name without a user has it, in one query.

    Sets `is_with_unlinked`, and `unlinked_url`, which is empty for users who may not see that name's page.
    """
    keys = {normalize_ws_username(circuit.taken_by) for circuit in circuits if circuit.taken_by}
    rows = (
        UnlinkedPlanner.objects.filter(ws_username_key__in=keys, linked_to_user__isnull=True) if keys else ()
    )
    by_key = {row.ws_username_key: row.pk for row in rows}
    may_view = user.has_perm("circuits.view_unlinkedplanner")
    row: Any
    for row in circuits:
        pk = by_key.get(normalize_ws_username(row.taken_by))
        row.is_with_unlinked = pk is not None
        row.unlinked_url = (
            reverse("admin:circuits_unlinkedplanner_change", args=[pk]) if pk and may_view else ""
        )


def holder(circuit: Any) -> SafeString:
    """Who has it: a user, a name without a user (with the way to link it), or nobody.

    Needs `planner_links__user` and what `attach_unlinked` adds.
    """
    links = list(circuit.planner_links.all())
    key = normalize_ws_username(circuit.taken_by)
    current = next((link.user for link in links if key and link.user.ws_username_key == key), None)
    if current is not None:
        url = f"{reverse('admin:circuits_circuit_changelist')}?{urlencode({'q': circuit.taken_by})}"
        name = html.link(url, current, title="All circuits they have")
        return html.stacked(name, html.muted(circuit.taken_by))
    if circuit.is_with_unlinked:
        url = circuit.unlinked_url
        name = html.link(url, circuit.taken_by, title="Find its user") if url else circuit.taken_by
        return html.stacked(name, html.label("no user", "warn"))
    if circuit.taken_by:
        return html.muted(circuit.taken_by)
    names = ", ".join(str(link.user) for link in links)
    return html.muted(names, title="Linked, but nobody has it checked out.") if names else html.EMPTY


def linked_to_user(circuits: QuerySet[Circuit]) -> QuerySet[Circuit]:
    """Circuits that are linked to some user."""
    return circuits.filter(_link())


def taken_by_unlinked(circuits: QuerySet[Circuit]) -> QuerySet[Circuit]:
    """Circuits that a name without a user has."""
    return circuits.exclude(taken_by="").filter(_unlinked())


def without_planner(circuits: QuerySet[Circuit]) -> QuerySet[Circuit]:
    """Circuits that neither a user nor a name without a user has."""
    return circuits.exclude(_link()).exclude(_unlinked())


def _link() -> Exists:
    return Exists(CircuitPlanner.objects.filter(circuit=OuterRef("pk")))


def _unlinked() -> Exists:
    names = UnlinkedPlanner.objects.filter(linked_to_user__isnull=True)
    return Exists(names.filter(ws_username_key=Lower(OuterRef("taken_by"))))
