"""Planned units, snapshots, unit types and schedules in the admin."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import Schedule
from pytest_django import DjangoAssertNumQueries

from circuits.admin.progress_chart import MOST_POINTS, Day, thinned
from circuits.models import Circuit, UnitType
from integrations.schedules.loading import load_schedules
from tests.factories import CircuitAggregateFactory, CircuitFactory, CircuitSnapshotFactory, UserFactory

NO_MEASURES = {"permissions": ["circuits.view_circuit"]}

pytestmark = pytest.mark.django_db

AGGREGATES = "admin:circuits_circuitaggregate_changelist"
SNAPSHOTS = "admin:circuits_circuitsnapshot_changelist"


def _page(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _text(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("name", "make"), [(AGGREGATES, CircuitAggregateFactory), (SNAPSHOTS, CircuitSnapshotFactory)]
)
def test_lists_ask_as_many_queries_for_fifty_rows_as_for_five(
    admin_client: Client, name: str, make: Any, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(30) as captured:
            _text(admin_client, reverse(name))
        return len(captured)

    make.create_batch(5)
    few = queries()
    make.create_batch(45)

    assert queries() == few


def test_only_the_latest_numbers_are_listed_when_asked_for(admin_client: Client) -> None:
    new = CircuitAggregateFactory()
    old = CircuitAggregateFactory(
        circuit=new.circuit, aggregate_date=timezone.localdate() - timedelta(days=3)
    )

    text = _text(admin_client, f"{reverse(AGGREGATES)}?which=latest")

    assert _page(new) in text
    assert _page(old) not in text


@pytest.mark.parametrize("make", [CircuitAggregateFactory, CircuitSnapshotFactory])
def test_measures_are_read_only_and_bound_by_what_a_planner_sees(client: Client, make: Any) -> None:
    row = make()
    name = row._meta.model_name
    own = make()
    planner = UserFactory(groups=["planner"])
    own.circuit.planners.add(planner)
    client.force_login(planner)

    assert client.get(_page(row)).status_code == 302
    listed = _text(client, reverse(f"admin:circuits_{name}_changelist"))
    assert (_page(own) in listed, _page(row) in listed) == (True, False)
    assert client.get(_page(own)).status_code == 200
    client.force_login(UserFactory(is_superuser=True))
    assert client.get(_page(row)).status_code == 200
    assert client.post(_page(row), {}).status_code == 403
    assert client.get(reverse(f"admin:circuits_{name}_add")).status_code == 403


def test_a_unit_type_is_renamed_and_measured_but_keeps_its_code(admin_client: Client) -> None:
    unit = UnitType.objects.get(code="SPM")

    admin_client.post(
        _page(unit), {"code": "OTHER", "name": "Renamed", "category": "VAR", "measurement_type": "acres"}
    )

    unit.refresh_from_db()
    assert (unit.code, unit.name, unit.category) == ("SPM", "Renamed", "VAR")
    assert (unit.measurement_type, unit.is_active) == ("acres", False)


def test_a_circuit_without_measures_says_where_they_come_from(admin_client: Client) -> None:
    text = _text(admin_client, _page(CircuitFactory()))

    assert "No snapshot yet" in text
    assert "manage.py sync_circuit_aggregates" in text
    assert "<svg viewBox" not in text


def test_a_circuit_shows_what_is_planned_by_permission_type_and_planner(admin_client: Client) -> None:
    circuit: Circuit = CircuitFactory()
    yesterday = timezone.localdate() - timedelta(days=1)
    CircuitAggregateFactory(circuit=circuit)
    CircuitAggregateFactory(circuit=circuit, aggregate_date=yesterday, total_units=77)

    text = _text(admin_client, _page(circuit))

    assert "60.0% of those asked about are approved" in text
    assert "unknown code: not measured" in text
    assert "TREECO\\mvance" in text
    assert "1,250.50 ft" in text
    assert "<b>77</b>" not in text


def test_a_circuit_draws_its_progress_for_eyes_and_readers(admin_client: Client) -> None:
    circuit: Circuit = CircuitFactory(total_miles="22.41")
    for days, percent in ((4, "10"), (2, "20"), (0, "44")):
        on = timezone.localdate() - timedelta(days=days)
        CircuitSnapshotFactory(circuit=circuit, snapshot_date=on, percent_complete=percent)

    text = _text(admin_client, _page(circuit))

    assert text.count("<polyline") == 2
    assert '<title id="chart-percent-title">Percent complete</title>' in text
    assert "Percent complete from 10% on" in text


def test_one_snapshot_is_a_dot(admin_client: Client) -> None:
    circuit = CircuitSnapshotFactory().circuit

    text = _text(admin_client, _page(circuit))

    assert "<polyline" not in text
    assert 'class="op-dot"' in text


def test_the_page_asks_as_many_queries_for_fifty_days_as_for_five(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    circuit: Circuit = CircuitFactory()

    def queries(days: range) -> int:
        for number in days:
            on = timezone.localdate() - timedelta(days=number)
            CircuitSnapshotFactory(circuit=circuit, snapshot_date=on)
            CircuitAggregateFactory(circuit=circuit, aggregate_date=on)
        with django_assert_max_num_queries(40) as captured:
            _text(admin_client, _page(circuit))
        return len(captured)

    few = queries(range(5))

    assert queries(range(5, 50)) == few


@pytest.mark.parametrize(("options", "shown"), [({"groups": ["planner"]}, True), (NO_MEASURES, False)])
def test_a_circuit_s_page_shows_its_measures_to_those_who_may_see_them(
    client: Client, options: dict[str, list[str]], shown: bool
) -> None:
    planner = UserFactory(**options)
    circuit: Any = CircuitSnapshotFactory().circuit
    circuit.planners.add(planner)
    client.force_login(planner)

    assert ("Progress over time" in _text(client, _page(circuit))) is shown


def test_long_histories_are_thinned_and_keep_both_ends() -> None:
    days = [Day(timezone.localdate() + timedelta(days=n), 1.0, 1.0) for n in range(1000)]

    kept = thinned(days)

    assert len(kept) == MOST_POINTS
    assert (kept[0], kept[-1]) == (days[0], days[-1])


def test_schedules_show_their_next_times_or_that_they_are_not_loaded(admin_client: Client) -> None:
    url = reverse("admin:integrations_integration_schedules")
    assert "never: it is not loaded" in _text(admin_client, url)

    load_schedules()
    loaded = _text(admin_client, url)
    Schedule.objects.update(cron="1 1 * * *")

    assert "not loaded" not in loaded
    assert "AM EST" in loaded or "AM EDT" in loaded or "PM E" in loaded
    assert "out of date" in _text(admin_client, url)
