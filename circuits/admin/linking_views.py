"""Linking WorkStudio names to users from the admin: each step is one call of `circuits.linking`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.models import User
from circuits.admin.planner_inline import LINK_PLANNERS
from circuits.linking import LinkConflict, link_planner, suggested_users, unlink_planner
from circuits.models import UnlinkedPlanner
from synclogs.admin.base import OperatorAdmin
from synclogs.admin.words import counted

SHOWN_USERS = 20


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and the user it would be linked to; `reason` says why that cannot be done."""

    planner: UnlinkedPlanner
    user: User | None
    reason: str = ""

    @property
    def value(self) -> str:
        """The pair as a form carries it."""
        return f"{self.planner.pk}:{self.user.pk}" if self.user else ""


def may_link(request: HttpRequest) -> bool:
    """Whether this user may link planners."""
    return request.user.has_perm(LINK_PLANNERS)


def link(model_admin: OperatorAdmin, request: HttpRequest, planner: UnlinkedPlanner, user: User) -> bool:
    """Link one name and say how many circuits came with it; a conflict is told and nothing is changed."""
    try:
        circuits = link_planner(planner, user)
    except LinkConflict as conflict:
        model_admin.refused(request, f"{planner} was not linked: {conflict}")
        return False
    linked = counted(circuits, "circuit")
    model_admin.done(
        request, planner, f"Linked to {user}: {linked}.", f"{planner} is linked to {user}: {linked} linked."
    )
    return True


def unlink(model_admin: OperatorAdmin, request: HttpRequest, planner: UnlinkedPlanner) -> None:
    """Take the name away from its user again."""
    user = planner.linked_to_user
    if user is None:
        model_admin.refused(request, f"{planner} is linked to nobody.")
        return
    circuits = counted(unlink_planner(planner), "circuit")
    model_admin.done(
        request,
        planner,
        f"Unlinked from {user}: {circuits}.",
        f"{planner} is free again: {circuits} unlinked from {user}.",
    )


def suggested_pairs(planners: Sequence[UnlinkedPlanner]) -> list[Pair]:
    """What linking these names to their suggested users would do, each user once."""
    suggestions = suggested_users([planner for planner in planners if planner.linked_to_user_id is None])
    taken: set[int] = set()
    pairs = []
    for planner in planners:
        user = suggestions.get(planner.pk)
        if planner.linked_to_user_id is not None:
            pairs.append(Pair(planner, None, f"is linked to {planner.linked_to_user} already"))
        elif user is None:
            pairs.append(Pair(planner, None, "no user with a similar name is free"))
        elif user.pk in taken:
            pairs.append(Pair(planner, None, f"{user} is suggested for another name as well"))
        else:
            taken.add(user.pk)
            pairs.append(Pair(planner, user))
    return pairs


def chosen_pairs(
    values: Sequence[str], planners: QuerySet[UnlinkedPlanner]
) -> list[tuple[UnlinkedPlanner, User]]:
    """The pairs that a form carries, as far as both sides exist."""
    ids: dict[int, int] = {}
    for value in values:
        planner, _, user = value.partition(":")
        if planner.isdecimal() and user.isdecimal():
            ids[int(planner)] = int(user)
    rows = planners.in_bulk(ids)
    users = User.objects.filter(is_active=True).in_bulk(ids.values())
    return [(rows[pk], users[user_pk]) for pk, user_pk in ids.items() if pk in rows and user_pk in users]


def matching_users(words: str) -> QuerySet[User]:
    """Active users whose names, e-mail or WorkStudio name contain every word; those without one first."""
    users = User.objects.filter(is_active=True)
    for word in words.split()[:5]:
        users = users.filter(
            Q(username__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
            | Q(ws_username__icontains=word)
        )
    return users.order_by("ws_username_key", "username")[:SHOWN_USERS]
