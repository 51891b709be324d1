"""Split work orders: a part points to the whole, when the whole is known."""

from __future__ import annotations

from django.db.models import OuterRef, Q, Subquery
from django.db.models.expressions import Case, Value, When

from circuits.models import Circuit
from circuits.models.circuit import MAIN_EXTENSION
from integrations.sync.among import Among


def link_split_circuits() -> int:
    """Point every split to the circuit of its work order with extension `@`, and nothing else to anything.

    Returns how many circuits changed; nothing is written when none does. A split whose whole is not known
    has no parent.
    """
    main = Circuit.objects.filter(
        work_order=OuterRef("work_order"), extension=MAIN_EXTENSION, deleted_at__isnull=True
    ).order_by("pk")
    is_split = Q(work_order__gt="") & ~Q(extension=MAIN_EXTENSION)
    parent = Case(When(is_split, then=Subquery(main.values("pk")[:1])), default=Value(None))
    candidates = Circuit.objects.filter(is_split | Q(parent_circuit__isnull=False)).order_by()
    known = candidates.annotate(right_parent=parent).values_list("pk", "parent_circuit_id", "right_parent")
    wrong = [pk for pk, current, right in known if current != right]
    if not wrong:
        return 0
    return Circuit.objects.filter(Among("pk", wrong)).update(parent_circuit=parent)
