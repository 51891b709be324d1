"""Linking WorkStudio names to users in the admin."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from circuits.models import CircuitPlanner, UnlinkedPlanner
from tests.factories import CircuitFactory, UnlinkedPlannerFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "admin:circuits_unlinkedplanner_changelist"


def _list(client: Client, **query: Any) -> str:
    answer = client.get(reverse(LIST), query)
    assert answer.status_code == 200
    return answer.content.decode()


def _url(view: str, planner: UnlinkedPlanner) -> str:
    return reverse(f"admin:circuits_unlinkedplanner_{view}", args=[planner.pk])


@pytest.fixture
def planner() -> UnlinkedPlanner:
    """A name that has two circuits, and whose user is easy to guess."""
    found: UnlinkedPlanner = UnlinkedPlannerFactory(ws_username="TREECO\\mvance", occurrence_count=1234)
    CircuitFactory(taken_by="TREECO\\mvance")
    CircuitFactory(taken_by="treeco\\MVANCE")
    return found


@pytest.fixture
def mvance() -> User:
    """The user who is meant."""
    user: User = UserFactory(username="mvance", first_name="Morgan", last_name="Vance")
    return user


def test_the_list_shows_sightings_circuits_and_the_suggested_user(
    admin_client: Client, planner: UnlinkedPlanner, mvance: User
) -> None:
    text = _list(admin_client)

    assert "1,234" in text
    assert ">2</a>" in text
    assert "Link to mvance" in text
    assert _url("link", planner) in text


def test_linked_names_are_hidden_unless_asked_for(admin_client: Client, planner: UnlinkedPlanner) -> None:
    linked: UnlinkedPlanner = UnlinkedPlannerFactory(ws_username="TREECO\\done", linked_to_user=UserFactory())

    assert linked.ws_username not in _list(admin_client)
    assert linked.ws_username in _list(admin_client, linked="yes")
    assert planner.ws_username not in _list(admin_client, linked="yes")
    assert {planner.ws_username, linked.ws_username} <= set(
        _list(admin_client, linked="all").replace("<", " ").replace(">", " ").split()
    )


def test_when_every_name_is_linked_there_is_nothing_to_do(admin_client: Client) -> None:
    assert "There is nothing to do." in _list(admin_client)


def test_the_list_asks_as_many_queries_for_fifty_rows_as_for_five(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def add(count: int) -> None:
        for user in UserFactory.create_batch(count):
            CircuitFactory(
                taken_by=UnlinkedPlannerFactory(ws_username=f"TREECO\\{user.username}").ws_username
            )

    def queries() -> int:
        with django_assert_max_num_queries(30) as captured:
            _list(admin_client, linked="all")
        return len(captured)

    add(5)
    few = queries()
    add(45)

    assert queries() == few


def test_one_click_links_the_suggested_user_and_says_how_many_circuits(
    admin_client: Client, admin_user: Any, planner: UnlinkedPlanner, mvance: User
) -> None:
    answer = admin_client.post(_url("link", planner), {"user": mvance.pk}, follow=True)

    planner.refresh_from_db()
    assert planner.linked_to_user == mvance
    assert CircuitPlanner.objects.filter(user=mvance).count() == 2
    assert "is linked to mvance: 2 circuits linked" in answer.content.decode()
    entry = LogEntry.objects.get()
    assert (entry.user, entry.get_change_message()) == (admin_user, "Linked to mvance: 2 circuits.")


def test_a_conflict_is_told_and_changes_nothing(admin_client: Client, planner: UnlinkedPlanner) -> None:
    taken = UserFactory(username="sokafor", ws_username="TREECO\\sokafor")

    answer = admin_client.post(_url("link", planner), {"user": taken.pk}, follow=True)

    planner.refresh_from_db()
    assert planner.linked_to_user is None
    assert "is linked to TREECO\\sokafor already" in answer.content.decode()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("user", ["", "0", "x", "99999999999999999999"])
def test_a_user_who_does_not_exist_is_not_found(
    admin_client: Client, planner: UnlinkedPlanner, user: str
) -> None:
    assert admin_client.post(_url("link", planner), {"user": user}).status_code == 404


def test_an_inactive_user_is_not_linked(admin_client: Client, planner: UnlinkedPlanner) -> None:
    gone = UserFactory(is_active=False)

    assert admin_client.post(_url("link", planner), {"user": gone.pk}).status_code == 404


def test_unlinking_gives_the_name_back(admin_client: Client, planner: UnlinkedPlanner, mvance: User) -> None:
    admin_client.post(_url("link", planner), {"user": mvance.pk})

    answer = admin_client.post(_url("unlink", planner), follow=True)

    mvance.refresh_from_db()
    assert mvance.ws_username == ""
    assert not CircuitPlanner.objects.exists()
    assert "2 circuits unlinked from mvance" in answer.content.decode()
    assert LogEntry.objects.count() == 2


def test_the_page_finds_a_user_by_any_part_of_the_name(
    admin_client: Client, planner: UnlinkedPlanner, mvance: User
) -> None:
    UserFactory(username="other", first_name="Sam")

    text = admin_client.get(_url("change", planner), {"q": "organ vanc"}).content.decode()

    assert f'value="{mvance.pk}"' in text
    assert "<b>other</b>" not in text


def test_the_page_does_not_offer_users_who_carry_another_name(
    admin_client: Client, planner: UnlinkedPlanner
) -> None:
    taken = UserFactory(username="sokafor", ws_username="TREECO\\sokafor")

    text = admin_client.get(_url("change", planner), {"q": "sokafor"}).content.decode()

    assert "is TREECO\\sokafor already" in text
    assert f'value="{taken.pk}"' not in text


def test_the_page_shows_the_circuits_the_name_has_now(admin_client: Client, planner: UnlinkedPlanner) -> None:
    text = admin_client.get(_url("change", planner)).content.decode()

    assert "It has 2 circuits checked out now." in text


def test_the_bulk_action_asks_first_and_shows_exactly_what_would_be_linked(
    admin_client: Client, planner: UnlinkedPlanner, mvance: User
) -> None:
    same = UnlinkedPlannerFactory(ws_username="UTILITY\\mvance", occurrence_count=1)
    nobody = UnlinkedPlannerFactory(ws_username="UTILITY\\unheard.of", occurrence_count=0)

    answer = admin_client.post(
        reverse(LIST),
        {"action": "link_selected", "_selected_action": [str(row.pk) for row in (planner, same, nobody)]},
    )

    text = answer.content.decode()
    assert text.count('name="pair"') == 1
    assert f'value="{planner.pk}:{mvance.pk}"' in text
    assert "mvance is suggested for another name as well" in text
    assert "no user with a similar name is free" in text
    assert not LogEntry.objects.exists()


def test_confirming_links_the_pairs_that_were_shown(
    admin_client: Client, planner: UnlinkedPlanner, mvance: User
) -> None:
    other = UnlinkedPlannerFactory(ws_username="TREECO\\sokafor")
    sokafor = UserFactory(username="sokafor")

    answer = admin_client.post(
        reverse("admin:circuits_unlinkedplanner_link_selected"),
        {"pair": [f"{planner.pk}:{mvance.pk}", f"{other.pk}:{sokafor.pk}", "nonsense", "1:x"]},
        follow=True,
    )

    assert UnlinkedPlanner.objects.filter(linked_to_user__isnull=False).count() == 2
    assert LogEntry.objects.count() == 2
    assert "2 circuits linked" in answer.content.decode()


def test_nothing_to_link_offers_no_button(admin_client: Client, planner: UnlinkedPlanner) -> None:
    answer = admin_client.post(
        reverse(LIST), {"action": "link_selected", "_selected_action": [str(planner.pk)]}
    )

    assert "Link them" not in answer.content.decode()
