"""Many keys in a condition, and many rows in a merge."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from circuits.models import Circuit, UnlinkedPlanner
from integrations.sync.among import Among
from integrations.sync.bulk import Merge
from tests.factories import CircuitFactory, UnlinkedPlannerFactory

pytestmark = pytest.mark.django_db


def test_among_takes_texts_numbers_and_nothing() -> None:
    circuits = CircuitFactory.create_batch(3, region=None)
    wanted = [circuits[0].pk, circuits[2].pk]
    assert set(Circuit.objects.filter(Among("pk", wanted)).values_list("pk", flat=True)) == set(wanted)
    Circuit.objects.filter(pk=circuits[1].pk).update(title="it's “é” \\ {x,y} 樹")
    assert Circuit.objects.get(Among("title", ["it's “é” \\ {x,y} 樹", "other"])).pk == circuits[1].pk
    assert not Circuit.objects.filter(Among("pk", [])).exists()


def test_among_has_one_parameter_however_many_values() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert not Circuit.objects.filter(Among("pk", range(40_000))).exists()
    assert len(queries) == 1


def names(*pairs: tuple[str, int]) -> list[dict[str, object]]:
    now = timezone.now()
    fixed = {"first_seen_at": now, "last_seen_at": now, "created_at": now, "updated_at": now}
    return [
        {"ws_username": name, "ws_username_key": name, "display_name": "", "occurrence_count": count, **fixed}
        for name, count in pairs
    ]


def merge(**kwargs: Any) -> Merge:
    return Merge(UnlinkedPlanner, tuple(names(("a", 1))[0]), unique=("ws_username_key",), **kwargs)


def stored() -> dict[str, int]:
    return dict(UnlinkedPlanner.objects.values_list("ws_username_key", "occurrence_count"))


def test_an_existing_row_is_left_alone_replaced_or_added_to() -> None:
    UnlinkedPlannerFactory(ws_username="a", occurrence_count=3)
    merge().write(names(("a", 5), ("b", 1)))
    assert stored() == {"a": 3, "b": 1}
    merge(add=("occurrence_count",)).write(names(("a", 5), ("c", 2)))
    assert stored() == {"a": 8, "b": 1, "c": 2}
    merge(update=("occurrence_count",)).write(names(("a", 5)))
    assert stored()["a"] == 5


def test_statements_do_not_grow_with_the_rows() -> None:
    def count(rows: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            merge().write(names(*((f"{rows}-{n}", 1) for n in range(rows))))
        return len(queries)

    assert count(2) == count(1500)
    assert UnlinkedPlanner.objects.count() == 1502
