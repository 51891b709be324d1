"""Linking a WorkStudio name to a user, and undoing it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User, normalize_ws_username
from circuits.models import AssignmentSource, Circuit, CircuitPlanner, UnlinkedPlanner
from circuits.sync.planners import add_links
from integrations.sync.among import Among


class LinkConflict(Exception):
    """The user already carries another WorkStudio name, or another user carries this one."""


def link_planner(planner: UnlinkedPlanner, user: User) -> int:
    """Give `user` the planner's WorkStudio name and link the circuits it was seen on.

    Returns how many circuits were linked. Links that exist, manual ones included, are left as they are.
    Raises LinkConflict when the name or the user is taken.
    """
    with transaction.atomic():
        _refuse_conflicts(planner, user)
        now = timezone.now()
        user.ws_username = planner.ws_username
        user.ws_user_guid = planner.ws_user_guid or user.ws_user_guid
        user.is_ws_linked, user.ws_linked_at = True, now
        user.save(update_fields=["ws_username", "ws_user_guid", "is_ws_linked", "ws_linked_at"])
        planner.linked_to_user, planner.linked_at = user, now
        planner.save(update_fields=["linked_to_user", "linked_at", "updated_at"])
        return add_links({(pk, user.pk) for pk in _circuits_of(planner.ws_username)})


def unlink_planner(planner: UnlinkedPlanner) -> int:
    """Take the name away from its user again, with all links that syncs made; manual links stay.

    A user who carries another name by now keeps it, and everything with it. Returns how many circuits were
    unlinked.
    """
    with transaction.atomic():
        user = planner.linked_to_user
        planner.linked_to_user, planner.linked_at = None, None
        planner.save(update_fields=["linked_to_user", "linked_at", "updated_at"])
        if user is None or user.ws_username_key != normalize_ws_username(planner.ws_username):
            return 0
        user.ws_username, user.ws_user_guid, user.is_ws_linked, user.ws_linked_at = "", "", False, None
        user.save(update_fields=["ws_username", "ws_user_guid", "is_ws_linked", "ws_linked_at"])
        made_by_syncs = CircuitPlanner.objects.filter(user=user, assignment_source=AssignmentSource.API_SYNC)
        return made_by_syncs.delete()[0]


def suggested_users(planners: Sequence[UnlinkedPlanner]) -> dict[int, User]:
    """For each planner the free user whose username, e-mail or name it most likely is: planner id -> user.

    One query however many planners.
    """
    free = User.objects.filter(is_active=True, ws_username_key="").order_by("pk")
    by_word: dict[str, User] = {}
    for user in free:
        initial = f"{user.first_name[:1]}{user.last_name}"
        for word in (user.username, user.email, user.email.partition("@")[0], initial):
            if word:
                by_word.setdefault(_word(word), user)
    suggestions = {}
    for planner in planners:
        name = planner.ws_username.partition("\\")[2]
        match = by_word.get(_word(name)) or by_word.get(_word(name.partition("@")[0]))
        if match is not None:
            suggestions[planner.pk] = match
    return suggestions


def _word(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _circuits_of(ws_username: str) -> list[int]:
    """The circuits that are checked out by this name, whatever its case."""
    key = normalize_ws_username(ws_username)
    names = Circuit.objects.present().exclude(taken_by="").values_list("taken_by", flat=True).distinct()
    spellings = [name for name in names.order_by() if normalize_ws_username(name) == key]
    taken = Circuit.objects.present().filter(Among("taken_by", spellings))
    return list(taken.values_list("pk", flat=True))


def _refuse_conflicts(planner: UnlinkedPlanner, user: User) -> None:
    key = normalize_ws_username(planner.ws_username)
    if user.ws_username_key and user.ws_username_key != key:
        raise LinkConflict(f"{user} is linked to {user.ws_username} already; unlink that first.")
    other = User.objects.filter(ws_username_key=key).exclude(pk=user.pk).first()
    if other is not None:
        raise LinkConflict(f"{planner.ws_username} is linked to {other} already; unlink that first.")
