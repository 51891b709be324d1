"""How many circuits each WorkStudio name has checked out now."""

from __future__ import annotations

from collections import Counter

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from accounts.models import normalize_ws_username
from circuits.models import Circuit, UnlinkedPlanner


def circuits_by_name() -> Counter[str]:
    """Circuits per name, whatever its case: comparable name -> count. One query, grouped by an index."""
    names = Circuit.objects.present().exclude(taken_by="").order_by().values_list("taken_by")
    counts: Counter[str] = Counter()
    for name, count in names.annotate(Count("pk")):
        counts[normalize_ws_username(name)] += count
    return counts


def with_circuit_counts(planners: QuerySet[UnlinkedPlanner]) -> QuerySet[UnlinkedPlanner]:
    """The names with their `circuit_count`, by which they can be sorted.

    Counted first and matched here, since comparing every name with every circuit takes a second at 5,000.
    """
    cases = [When(ws_username_key=key, then=Value(count)) for key, count in circuits_by_name().items()]
    return planners.annotate(circuit_count=Case(*cases, default=Value(0), output_field=IntegerField()))
