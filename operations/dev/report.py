"""What a demonstration came to: for people as tables, for machines as one mapping."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from circuits.models import Circuit, CircuitPlanner, UnlinkedPlanner
from operations.dev.demo import THIRD, Sync
from operations.dev.surroundings import SANDBOX_PORT, database_name, sandbox_environment, typed_command
from synclogs.commands.tables import table
from synclogs.models import SyncIssue

TOP_PLANNERS = 5
EXAMPLE_WIDTH = 60


def summary(syncs: Sequence[Sync], seconds: float) -> dict[str, Any]:
    """Everything that the demonstration has to say, as JSON knows it."""
    return {
        "syncs": [sync.as_dict() for sync in syncs],
        "issues": issues([sync for sync in syncs if sync.step == THIRD]),
        "unlinked_planners": unlinked_planners(),
        "linked_planners": CircuitPlanner.objects.values("user").distinct().count(),
        "circuits": Circuit.objects.present().count(),
        "database": database_name(),
        "seconds": round(seconds, 1),
    }


def issues(syncs: Sequence[Sync]) -> list[dict[str, Any]]:
    """The records that these runs could not take, by reason, the most frequent first."""
    grouped: dict[tuple[str, str], list[SyncIssue]] = defaultdict(list)
    for issue in SyncIssue.objects.filter(run__in=[sync.run for sync in syncs]).select_related("run"):
        grouped[issue.run.provider, issue.error_code].append(issue)
    ordered = sorted(grouped.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        {
            "count": len(found),
            "provider": provider,
            "code": code,
            "reason": found[0].error_message,
            "example": found[0].excerpt or found[0].source_id,
            "source_id": found[0].source_id,
        }
        for (provider, code), found in ordered
    ]


def unlinked_planners() -> list[dict[str, Any]]:
    """The names without a user that most circuits carry."""
    names = UnlinkedPlanner.objects.filter(linked_to_user=None).values_list("ws_username_key", "ws_username")
    spelling = dict(names)
    circuits: dict[str, int] = dict.fromkeys(spelling, 0)
    for taken_by in Circuit.objects.present().exclude(taken_by="").values_list("taken_by", flat=True):
        key = taken_by.strip().casefold()
        if key in circuits:
            circuits[key] += 1
    top = sorted(circuits.items(), key=lambda item: (-item[1], item[0]))[:TOP_PLANNERS]
    return [{"ws_username": spelling[key], "circuits": count} for key, count in top]


def text(result: Mapping[str, Any]) -> str:
    """The same for people, and what to type next."""
    parts = [_sync_table(result["syncs"])]
    if result["issues"]:
        failed = [
            (issue["count"], issue["provider"], issue["reason"], _short(issue["example"]))
            for issue in result["issues"]
        ]
        head = "What could not be taken, which is why the runs end with a warning; each run lists it:"
        parts.append(f"{head}\n{table(('records', 'of', 'reason', 'for example'), failed)}")
    if result["unlinked_planners"]:
        names = [(planner["circuits"], planner["ws_username"]) for planner in result["unlinked_planners"]]
        head = f"{result['linked_planners']} planners are users. The most frequent names that no user has:"
        parts.append(f"{head}\n{table(('circuits', 'WorkStudio name'), names)}")
    return "\n\n".join([*parts, _what_next()])


def _sync_table(syncs: Sequence[Mapping[str, Any]]) -> str:
    counts = ("processed", "created", "updated", "unchanged", "skipped", "failed")
    headings = ("", "type", "of", "status", *counts, "seconds", "records/s")
    return table(
        headings,
        [
            (
                sync["step"],
                sync["type"],
                sync["of"],
                sync["status"].replace("_", " "),
                *(sync[name] for name in counts),
                float(sync["seconds"]),
                round(sync["processed"] / max(sync["seconds"], 0.001)),
            )
            for sync in syncs
        ],
    )


def _short(text: str) -> str:
    return textwrap.shorten(text, EXAMPLE_WIDTH, placeholder=" …")


def _what_next() -> str:
    environ = sandbox_environment(f"http://127.0.0.1:{SANDBOX_PORT}")
    preview = typed_command(environ, "sync_circuits", "--status", "ALL", "--dry-run")
    return f"""\
What to type next:
  make serve         this data in a browser: prints the address and a password
  make demo          all of it once more: nothing is created twice
  make test          every test, on SQLite and on PostgreSQL with Redis

While `make serve` runs, in another terminal:
  {preview}
                     what a sync would change, without writing anything"""
