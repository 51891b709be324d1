"""Who plans a circuit: links that a sync adds, names that it counts, and linking those by hand."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from circuits.linking import LinkConflict, link_planner, suggested_users, unlink_planner
from circuits.models import AssignmentSource, Circuit, CircuitPlanner, UnlinkedPlanner
from circuits.sync.planners import record_sightings
from synclogs.counts import Counts
from tests.circuits.conftest import Sync, WorkStudio, circuit_row
from tests.factories import CircuitFactory, UnlinkedPlannerFactory, UserFactory

pytestmark = pytest.mark.django_db

MVANCE = "TREECO\\mvance"


def links() -> set[tuple[str, str, str]]:
    """Every link: circuit, user, source."""
    return set(CircuitPlanner.objects.values_list("circuit__job_guid", "user__username", "assignment_source"))


def seen() -> dict[str, int]:
    """How often each name without a user was seen."""
    return dict(UnlinkedPlanner.objects.values_list("ws_username", "occurrence_count"))


def test_a_known_planner_is_linked_whatever_the_case_of_the_name(workstudio: WorkStudio, sync: Sync) -> None:
    UserFactory(username="morgan", ws_username="TreeCo\\MVance")
    workstudio.hold(circuit_row("a", SS_TAKENBY=" treeco\\mvance "), circuit_row("b", SS_TAKENBY=MVANCE))
    sync()
    assert links() == {("a", "morgan", "api_sync"), ("b", "morgan", "api_sync")}
    assert seen() == {}


def test_a_display_name_an_empty_one_and_an_excluded_one_are_nobody(
    workstudio: WorkStudio, sync: Sync, settings: Settings
) -> None:
    settings.WORKSTUDIO_PLANNER_EXCLUSIONS = ["treeco\\SVC.sync"]
    workstudio.hold(
        circuit_row("a", SS_TAKENBY="Dana Placeholder", VEGJOB_FORESTER=MVANCE, SS_ASSIGNEDTO=MVANCE),
        circuit_row("b", SS_TAKENBY=""),
        circuit_row("c", SS_TAKENBY=None),
        circuit_row("d", SS_TAKENBY="TREECO\\svc.sync"),
    )
    sync()
    assert (links(), seen()) == (set(), {})


def test_a_manual_link_is_never_made_an_api_one(workstudio: WorkStudio, sync: Sync) -> None:
    user = UserFactory(username="morgan", ws_username=MVANCE)
    workstudio.hold(circuit_row("a", SS_TAKENBY=MVANCE))
    sync()
    CircuitPlanner.objects.update(assignment_source=AssignmentSource.MANUAL, assigned_by=user)
    workstudio.hold(circuit_row("a", SS_TAKENBY=MVANCE, SS_TITLE="changed"))
    sync()
    assert links() == {("a", "morgan", "manual")}
    assert CircuitPlanner.objects.get().assigned_by == user


def test_the_earlier_planner_stays_linked_when_another_takes_over(workstudio: WorkStudio, sync: Sync) -> None:
    UserFactory(username="morgan", ws_username=MVANCE)
    UserFactory(username="sam", ws_username="UTILNET\\sam")
    for taker in (MVANCE, "UTILNET\\sam"):
        workstudio.hold(circuit_row("a", SS_TAKENBY=taker))
        sync()
    assert {user for _, user, _ in links()} == {"morgan", "sam"}
    assert Circuit.objects.get().taken_by == "UTILNET\\sam"


def test_names_without_a_user_are_counted_once_a_circuit_and_run(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.hold(
        circuit_row("a", SS_TAKENBY=MVANCE),
        circuit_row("b", SS_TAKENBY="treeco\\MVANCE"),
        circuit_row("c", SS_TAKENBY="OAKLINE\\k.tanaka"),
    )
    sync()
    assert sorted(seen().values()) == [1, 2]
    first = UnlinkedPlanner.objects.get(ws_username_key="treeco\\mvance")
    sync()
    again = UnlinkedPlanner.objects.get(pk=first.pk)
    assert again.occurrence_count == 4
    assert again.first_seen_at == first.first_seen_at
    assert again.last_seen_at > first.last_seen_at


def test_any_number_of_names_is_written_with_one_merge() -> None:
    def count(names: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            record_sightings({f"D\\{names}-{n}": 2 for n in range(names)})
        return len(queries)

    assert count(1) == count(500)
    record_sightings({"D\\1-0": 3})
    assert seen()["D\\1-0"] == 5


class TestLinking:
    """By hand, from the list of names without a user."""

    def test_linking_gives_the_user_the_name_and_the_circuits_it_is_on(self) -> None:
        planner = UnlinkedPlannerFactory(ws_username="Ünit\\Élan", ws_user_guid="{GUID}")
        mine = [CircuitFactory(taken_by=name) for name in ("Ünit\\Élan", "ÜNIT\\élan")]
        CircuitFactory(taken_by="Ünit\\Élan2")
        user = UserFactory()
        assert link_planner(planner, user) == 2
        user.refresh_from_db()
        assert (user.ws_username, user.ws_user_guid, user.is_ws_linked) == ("Ünit\\Élan", "{GUID}", True)
        assert user.ws_linked_at == planner.linked_at
        assert planner.linked_to_user == user
        assert set(CircuitPlanner.objects.values_list("circuit", flat=True)) == {c.pk for c in mine}

    def test_links_that_exist_are_left_alone(self) -> None:
        planner = UnlinkedPlannerFactory(ws_username=MVANCE)
        circuit, user = CircuitFactory(taken_by=MVANCE), UserFactory()
        CircuitPlanner.objects.create(circuit=circuit, user=user, assignment_source=AssignmentSource.MANUAL)
        assert link_planner(planner, user) == 0
        assert CircuitPlanner.objects.get().assignment_source == AssignmentSource.MANUAL

    def test_a_user_with_another_name_and_a_name_with_another_user_are_refused(self) -> None:
        taken = UserFactory(ws_username="A\\b")
        planner = UnlinkedPlannerFactory(ws_username=MVANCE)
        with pytest.raises(LinkConflict, match="unlink that first"):
            link_planner(planner, taken)
        UserFactory(ws_username="treeco\\MVANCE")
        with pytest.raises(LinkConflict, match="unlink that first"):
            link_planner(planner, UserFactory())
        planner.refresh_from_db()
        assert planner.linked_to_user is None

    def test_unlinking_takes_back_what_syncs_linked_and_keeps_manual_links(self) -> None:
        planner, user = UnlinkedPlannerFactory(ws_username=MVANCE), UserFactory()
        CircuitFactory.create_batch(2, taken_by=MVANCE)
        link_planner(planner, user)
        Circuit.objects.filter(pk=Circuit.objects.order_by("pk").values("pk")[:1]).update(taken_by="X\\y")
        manual = CircuitFactory()
        CircuitPlanner.objects.create(circuit=manual, user=user, assignment_source=AssignmentSource.MANUAL)
        assert unlink_planner(planner) == 2
        user.refresh_from_db()
        assert (user.ws_username, user.is_ws_linked) == ("", False)
        assert CircuitPlanner.objects.get().circuit == manual
        assert unlink_planner(planner) == 0

    def test_unlinking_leaves_a_user_alone_who_has_another_name_by_now(self) -> None:
        planner, user = UnlinkedPlannerFactory(ws_username=MVANCE), UserFactory()
        CircuitFactory(taken_by=MVANCE)
        link_planner(planner, user)
        user.ws_username = "NEW\\name"
        user.save()
        assert unlink_planner(UnlinkedPlanner.objects.get()) == 0
        user.refresh_from_db()
        assert user.ws_username == "NEW\\name"
        assert CircuitPlanner.objects.count() == 1

    def test_users_are_suggested_by_username_mail_or_initial_and_name_in_one_query(self) -> None:
        by_name = UserFactory(username="mvance")
        by_mail = UserFactory(username="x1", email="s.okafor@utility.example")
        by_initial = UserFactory(username="x2", first_name="Alex", last_name="Petrov", email="q@example.com")
        UserFactory(username="k.tanaka", ws_username="OAKLINE\\k.tanaka")
        planners = [
            UnlinkedPlannerFactory(ws_username=name)
            for name in (MVANCE, "U\\s.okafor@utility.example", "U\\a.petrov", "O\\k.tanaka", "O\\nobody")
        ]
        with CaptureQueriesContext(connection) as queries:
            found = suggested_users(planners)
        assert len(queries) == 1
        assert [found.get(planner.pk) for planner in planners] == [by_name, by_mail, by_initial, None, None]


def test_a_name_that_grows_when_its_case_is_taken_away_fits(workstudio: WorkStudio, sync: Sync) -> None:
    long = "D\\" + "\u0390" * 90
    user = UserFactory(ws_username="E\\" + "\u0390" * 148)
    workstudio.answer_rows(circuit_row(SS_TAKENBY=long))
    assert sync().counts == Counts(created=1)
    assert len(UnlinkedPlanner.objects.get().ws_username_key) == 2 + 3 * 90
    user.refresh_from_db()
    assert len(user.ws_username_key) == 2 + 3 * 148
