"""The pages of circuits."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account
from circuits.models import AssignmentSource, Circuit, CircuitPlanner
from synclogs.models import Job
from tests.factories import (
    CircuitFactory,
    RegionFactory,
    SyncLogFactory,
    UnlinkedPlannerFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

LIST = "admin:circuits_circuit_changelist"
NO_PLANNERS = {"planner_links-TOTAL_FORMS": "0", "planner_links-INITIAL_FORMS": "0"}


def _list(client: Client, **query: Any) -> str:
    answer = client.get(reverse(LIST), query)
    assert answer.status_code == 200
    return answer.content.decode()


def _url(circuit: Circuit) -> str:
    return reverse("admin:circuits_circuit_change", args=[circuit.pk])


def test_the_list_shows_what_an_operator_asks_for(admin_client: Client) -> None:
    region = RegionFactory(name="Harbor Point")
    CircuitFactory(
        work_order="2026-4107",
        extension="C_a",
        region=region,
        ws_version=31,
        ws_sync_version=29,
        total_miles=1234,
    )

    text = _list(admin_client)

    for shown in (
        "2026-4107",
        "C_a",
        "Harbor Point",
        "In progress",
        "44%",
        "9.80 / 1,234 mi",
        "unmerged edits",
    ):
        assert shown in text


def test_an_empty_list_says_what_to_do_next(admin_client: Client) -> None:
    text = _list(admin_client)

    assert "No circuits yet" in text
    assert "manage.py sync_circuits --status ALL" in text
    assert "press Sync now" in text


def test_the_list_says_who_has_each_circuit(admin_client: Client) -> None:
    user = UserFactory(username="mvance", ws_username="TREECO\\mvance")
    CircuitFactory(taken_by="treeco\\MVance").planners.add(user)
    unlinked = UnlinkedPlannerFactory(ws_username="TREECO\\sokafor")
    CircuitFactory(taken_by="TREECO\\SOkafor")

    text = _list(admin_client)

    assert ">mvance</a>" in text
    assert reverse("admin:circuits_unlinkedplanner_change", args=[unlinked.pk]) in text
    assert "no user" in text


def test_deleted_circuits_are_hidden_unless_asked_for(admin_client: Client) -> None:
    CircuitFactory(work_order="2026-1111")
    CircuitFactory(work_order="2026-2222", deleted_at=timezone.now())

    assert "2026-2222" not in _list(admin_client)
    assert "2026-1111" not in _list(admin_client, deleted="only")
    assert {"2026-1111", "2026-2222"} <= set(
        _list(admin_client, deleted="too").replace(">", " ").replace("<", " ").split()
    )


@pytest.mark.parametrize(
    "query",
    [
        {"api_status__exact": "QC"},
        {"contractor": "branchline"},
        {"planner": "assigned"},
        {"split": "part"},
        {"edited_within": "1"},
        {"is_excluded__exact": "1"},
        {"q": "2026-9999"},
        {"q": "WILLOW"},
        {"q": "{UNIQUE-GUID}"},
        {"q": "UTILITY\\kdorn"},
    ],
)
def test_filters_and_search_find_the_one_that_matches(admin_client: Client, query: dict[str, str]) -> None:
    wanted = CircuitFactory(
        work_order="2026-9999",
        extension="C_a",
        title="WILLOW CREEK",
        job_guid="{UNIQUE-GUID}",
        api_status="QC",
        contractor="Branchline",
        taken_by="UTILITY\\kdorn",
        api_modified_at=timezone.now(),
        is_excluded=True,
    )
    wanted.planners.add(UserFactory())
    other = CircuitFactory(api_modified_at=timezone.now() - timedelta(days=40), ws_version=5)

    text = _list(admin_client, **query)

    assert _url(wanted) in text
    assert _url(other) not in text


def test_circuits_are_filtered_by_region_and_by_who_lacks_a_user(admin_client: Client) -> None:
    UnlinkedPlannerFactory(ws_username="TREECO\\sokafor")
    taken: Circuit = CircuitFactory(taken_by="TREECO\\sokafor")
    free = CircuitFactory(taken_by="")

    by_region = _list(admin_client, region__id__exact=taken.region_id)
    unlinked, nobody = _list(admin_client, planner="unlinked"), _list(admin_client, planner="none")

    assert _url(taken) in by_region
    assert _url(free) not in by_region
    assert _url(taken) in unlinked
    assert _url(free) not in unlinked
    assert _url(free) in nobody
    assert _url(taken) not in nobody


def test_the_list_asks_as_many_queries_for_fifty_rows_as_for_five(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def add(count: int) -> None:
        for number in range(count):
            unlinked = UnlinkedPlannerFactory()
            user = UserFactory(ws_username=f"TREECO\\u{unlinked.pk}")
            CircuitFactory(taken_by=unlinked.ws_username)
            if number % 2:
                CircuitFactory(taken_by=user.ws_username, last_run=SyncLogFactory()).planners.add(user)

    def queries() -> int:
        with django_assert_max_num_queries(60) as captured:
            _list(admin_client)
        return len(captured)

    add(5)
    few = queries()
    add(30)

    assert Circuit.objects.count() >= 50
    assert queries() == few


def test_the_summary_counts_and_adds_up(admin_client: Client) -> None:
    CircuitFactory(total_miles=1000, miles_planned=250)
    CircuitFactory(api_status="QC", total_miles=1000, miles_planned=250)
    CircuitFactory(api_status="QC", total_miles=500, is_excluded=True)
    CircuitFactory(api_status="QC", total_miles=500, deleted_at=timezone.now())
    run = SyncLogFactory(warning=True)

    text = _list(admin_client)

    assert "<b>2</b> Quality control" in text
    assert "<b>500</b> of 2,000" in text
    assert "1 left out of reports" in text
    assert "<b>3</b> nobody" in text
    assert reverse("admin:synclogs_synclog_change", args=[run.pk]) in text
    assert "completed with warning" in text


def test_sync_now_queues_the_chosen_statuses_and_goes_to_the_job(
    admin_client: Client, admin_user: Any
) -> None:
    answer = admin_client.post(reverse("admin:circuits_circuit_sync"), {"statuses": ["ACTIV", "QC"]})

    job = Job.objects.get()
    assert answer["Location"] == reverse("admin:synclogs_job_change", args=[job.pk])
    assert job.args["statuses"] == ["ACTIV", "QC"]
    entry = LogEntry.objects.get()
    assert entry.user == admin_user
    assert "ACTIV, QC" in entry.get_change_message()


def test_sync_now_twice_is_one_job(admin_client: Client) -> None:
    url = reverse("admin:circuits_circuit_sync")
    admin_client.post(url, {"statuses": ["ACTIV"]})

    answer = admin_client.post(url, {"statuses": ["ACTIV"]}, follow=True)

    assert Job.objects.count() == 1
    assert "is queued already" in answer.content.decode()
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("statuses", [[], ["NONSENSE"]])
def test_sync_now_needs_a_status_that_exists(admin_client: Client, statuses: list[str]) -> None:
    answer = admin_client.post(reverse("admin:circuits_circuit_sync"), {"statuses": statuses})

    assert answer.status_code == 400
    assert not Job.objects.exists()


def test_the_page_shows_the_split_family_the_run_and_the_board(admin_client: Client) -> None:
    run = SyncLogFactory()
    main = CircuitFactory(work_order="2026-4107", last_run=run, comments="By the north gate.")
    part = CircuitFactory(work_order="2026-4107", extension="C_a", parent_circuit=main)
    main.get_or_create_ui_state()

    text = admin_client.get(_url(main)).content.decode()

    assert _url(part) in text
    assert reverse("admin:synclogs_synclog_change", args=[run.pk]) in text
    assert "By the north gate." in text
    assert "not on the board yet" not in text
    assert _url(main) in admin_client.get(_url(part)).content.decode()


def test_leaving_a_circuit_out_stamps_who_and_when_and_nothing_else(
    admin_client: Client, admin_user: Any
) -> None:
    circuit: Circuit = CircuitFactory(title="AS WORKSTUDIO SAYS")

    admin_client.post(
        _url(circuit),
        {"is_excluded": "on", "exclusion_reason": "Duplicate", "title": "CHANGED", **NO_PLANNERS},
    )

    circuit.refresh_from_db()
    assert (circuit.is_excluded, circuit.exclusion_reason) == (True, "Duplicate")
    assert circuit.excluded_by == admin_user
    assert circuit.excluded_at is not None
    assert circuit.title == "AS WORKSTUDIO SAYS"
    assert LogEntry.objects.get().user == admin_user


def test_a_save_does_not_undo_what_a_sync_wrote_meanwhile(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from circuits.admin import circuit as circuit_admin

    circuit = CircuitFactory(taken_by="TREECO\\before")
    save = circuit_admin.save_exclusion

    def save_after_a_sync(*args: Any, **kwargs: Any) -> None:
        Circuit.objects.filter(pk=circuit.pk).update(taken_by="TREECO\\after")
        save(*args, **kwargs)

    monkeypatch.setattr(circuit_admin, "save_exclusion", save_after_a_sync)
    admin_client.post(_url(circuit), {"is_excluded": "on", "exclusion_reason": "Duplicate", **NO_PLANNERS})

    circuit.refresh_from_db()
    assert circuit.is_excluded
    assert circuit.taken_by == "TREECO\\after"


def test_leaving_out_needs_a_reason(admin_client: Client) -> None:
    circuit = CircuitFactory()

    answer = admin_client.post(_url(circuit), {"is_excluded": "on", "exclusion_reason": " ", **NO_PLANNERS})

    assert "Say why" in answer.content.decode()
    circuit.refresh_from_db()
    assert not circuit.is_excluded


def test_taking_a_circuit_back_in_clears_the_stamp(admin_client: Client) -> None:
    circuit = CircuitFactory(
        is_excluded=True, exclusion_reason="Duplicate", excluded_by=UserFactory(), excluded_at=timezone.now()
    )

    admin_client.post(_url(circuit), {"exclusion_reason": "Duplicate", **NO_PLANNERS})

    circuit.refresh_from_db()
    assert (circuit.is_excluded, circuit.exclusion_reason, circuit.excluded_at) == (False, "", None)


def _one_planner(circuit: Circuit, **fields: Any) -> dict[str, Any]:
    return {
        "exclusion_reason": "",
        "planner_links-TOTAL_FORMS": "1",
        "planner_links-INITIAL_FORMS": "0",
        **{f"planner_links-0-{name}": value for name, value in {"circuit": circuit.pk, **fields}.items()},
    }


def test_a_planner_added_by_hand_is_marked_so(admin_client: Client, admin_user: Any) -> None:
    circuit, planner = CircuitFactory(), UserFactory()

    admin_client.post(_url(circuit), _one_planner(circuit, user=planner.pk))

    link = CircuitPlanner.objects.get()
    assert (link.circuit, link.user) == (circuit, planner)
    assert link.assignment_source == AssignmentSource.MANUAL
    assert link.assigned_by == admin_user
    assert link.assigned_at is not None
    assert "Added" in LogEntry.objects.get().get_change_message()


def test_a_planner_is_not_added_twice(admin_client: Client) -> None:
    circuit, planner = CircuitFactory(), UserFactory()
    circuit.planners.add(planner)
    link = CircuitPlanner.objects.get()

    answer = admin_client.post(
        _url(circuit),
        {
            "planner_links-TOTAL_FORMS": "2",
            "planner_links-INITIAL_FORMS": "1",
            "planner_links-0-id": link.pk,
            "planner_links-0-circuit": circuit.pk,
            "planner_links-1-circuit": circuit.pk,
            "planner_links-1-user": planner.pk,
        },
    )

    assert answer.status_code == 200
    assert "plans the circuit already" in answer.content.decode()
    assert CircuitPlanner.objects.count() == 1


@pytest.mark.parametrize(
    ("source", "remaining"), [(AssignmentSource.MANUAL, 0), (AssignmentSource.API_SYNC, 1)]
)
def test_only_links_made_by_hand_are_removed(admin_client: Client, source: str, remaining: int) -> None:
    circuit = CircuitFactory()
    link = CircuitPlanner.objects.create(circuit=circuit, user=UserFactory(), assignment_source=source)

    admin_client.post(
        _url(circuit),
        {
            "planner_links-TOTAL_FORMS": "1",
            "planner_links-INITIAL_FORMS": "1",
            "planner_links-0-id": link.pk,
            "planner_links-0-circuit": circuit.pk,
            "planner_links-0-DELETE": "on",
        },
    )

    assert CircuitPlanner.objects.count() == remaining


def test_viewers_see_the_page_and_cannot_change_it(client: Client) -> None:
    client.force_login(UserFactory(groups=["viewer"], accounts=[Account.objects.platform()]))
    circuit = CircuitFactory()

    page = client.get(_url(circuit))
    answer = client.post(_url(circuit), {"is_excluded": "on", "exclusion_reason": "x", **NO_PLANNERS})

    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert answer.status_code == 403


def test_circuits_are_neither_added_nor_deleted(admin_client: Client) -> None:
    circuit = CircuitFactory()

    assert admin_client.get(reverse("admin:circuits_circuit_add")).status_code == 403
    assert admin_client.post(reverse("admin:circuits_circuit_delete", args=[circuit.pk])).status_code == 403
    assert "delete_selected" not in _list(admin_client)


def test_a_run_links_to_the_circuits_it_changed_last(admin_client: Client) -> None:
    run = SyncLogFactory()
    changed, other = CircuitFactory(last_run=run), CircuitFactory()
    page = admin_client.get(reverse("admin:synclogs_synclog_change", args=[run.pk])).content.decode()

    text = _list(admin_client, last_run__id__exact=str(run.pk))

    assert f"last_run__id__exact={run.pk}" in page
    assert _url(changed) in text
    assert _url(other) not in text


def test_what_workstudio_says_is_escaped(admin_client: Client) -> None:
    bad = "<script>alert(1)</script>"
    circuit = CircuitFactory(
        title=bad, taken_by=bad, comments=bad, api_data={"SS_ASSIGNEDTO": bad}, contractor=bad
    )

    assert bad not in _list(admin_client)
    assert bad not in admin_client.get(_url(circuit)).content.decode()


def _found(client: Client, words: str) -> str:
    return client.get(reverse("admin:search"), {"s": words, "extended": "1"}).content.decode()


def test_the_sidebar_search_finds_circuits_and_planners(admin_client: Client) -> None:
    circuit, planner = (
        CircuitFactory(work_order="2026-9999"),
        UnlinkedPlannerFactory(ws_username="TREECO\\zed"),
    )

    assert _url(circuit) in _found(admin_client, "2026-99")
    assert reverse("admin:circuits_unlinkedplanner_change", args=[planner.pk]) in _found(admin_client, "zed")


def test_the_sidebar_search_is_short_and_shows_planners_their_own(client: Client) -> None:
    CircuitFactory.create_batch(30, title="WILLOW CREEK")
    planner = UserFactory(groups=["planner"])
    mine = CircuitFactory(title="WILLOW CREEK")
    mine.planners.add(planner)
    client.force_login(planner)

    text = _found(client, "willow")

    assert text.count("/change/") == 1
    assert _url(mine) in text
    client.force_login(UserFactory(is_superuser=True))
    assert _found(client, "willow").count("/change/") == 20
    assert "/change/" not in _found(client, "wi")
