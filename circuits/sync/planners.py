"""Linking circuits to the people who plan them, in bulk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from django.utils import timezone

from accounts.models import User, normalize_ws_username
from circuits.models import AssignmentSource, CircuitPlanner, UnlinkedPlanner
from integrations.sync.among import Among
from integrations.sync.bulk import Merge


class PlannerLinks:
    """Links circuits to users by WorkStudio name during one run, and counts names that no user has.

    `sightings` is what an earlier part of the run counted already, spelled as first seen.
    """

    def __init__(self, sightings: Mapping[str, int] | None = None) -> None:
        self._users: dict[str, int] | None = None
        self._seen: Counter[str] = Counter()
        self._spelling: dict[str, str] = {}
        for username, count in (sightings or {}).items():
            self._sight(username, count)

    @property
    def sightings(self) -> dict[str, int]:
        """How often each name that no user has was seen in this run."""
        return {self._spelling[key]: count for key, count in sorted(self._seen.items())}

    def link(self, pairs: Iterable[tuple[int, str]]) -> int:
        """Link each (circuit, username) whose user exists; links that exist are left as they are.

        Returns how many were added. Writes nothing when all exist.
        """
        wanted: set[tuple[int, int]] = set()
        for circuit_id, username in pairs:
            user_id = self._users_by_key().get(normalize_ws_username(username))
            if user_id is None:
                self._sight(username, 1)
            else:
                wanted.add((circuit_id, user_id))
        return add_links(wanted)

    def store_sightings(self) -> None:
        """Write down the names that no user has: one merge for all of them."""
        if self._seen:
            record_sightings(self.sightings)

    def _sight(self, username: str, count: int) -> None:
        key = normalize_ws_username(username)
        self._seen[key] += count
        self._spelling.setdefault(key, username.strip())

    def _users_by_key(self) -> dict[str, int]:
        if self._users is None:
            linked = User.objects.exclude(ws_username_key="").order_by("-pk")
            self._users = dict(linked.values_list("ws_username_key", "pk"))
        return self._users


def add_links(wanted: Collection[tuple[int, int]], *, source: str = AssignmentSource.API_SYNC) -> int:
    """Add the (circuit, user) links that do not exist yet; returns how many. Others are not touched."""
    if not wanted:
        return 0
    circuits = {circuit_id for circuit_id, _ in wanted}
    links = CircuitPlanner.objects.filter(Among("circuit_id", circuits))
    missing = sorted(set(wanted) - set(links.values_list("circuit_id", "user_id")))
    if missing:
        now = timezone.now()
        fixed = {"assignment_source": source, "assigned_at": now, "created_at": now, "ws_user_guid": ""}
        merge = Merge(CircuitPlanner, ("circuit_id", "user_id", *fixed), unique=("circuit_id", "user_id"))
        merge.write({"circuit_id": circuit, "user_id": user, **fixed} for circuit, user in missing)
    return len(missing)


def record_sightings(sightings: Mapping[str, int]) -> None:
    """Insert unseen names and add to the counts of known ones, in one merge however many names there are."""
    now = timezone.now()
    stamps = dict.fromkeys(("first_seen_at", "last_seen_at", "created_at", "updated_at"), now)
    merge = Merge(
        UnlinkedPlanner,
        ("ws_username", "ws_username_key", "occurrence_count", "display_name", *stamps),
        unique=("ws_username_key",),
        update=("last_seen_at", "updated_at"),
        add=("occurrence_count",),
    )
    merge.write(
        {
            "ws_username": username,
            "ws_username_key": normalize_ws_username(username),
            "occurrence_count": count,
            "display_name": "",
            **stamps,
        }
        for username, count in sightings.items()
    )
