"""What runs in the measured process: `python -m benchmarks.health_child first|again|corrected POINTS`."""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import django

START = datetime(2026, 1, 1, tzinfo=UTC)


def body_of(step: str, points: int) -> bytes:
    """A heart rate a minute; `again` differs in a mark beside the data only."""
    data = []
    for number in range(points):
        at = START + timedelta(minutes=number)
        average = 50 + number % 40 + (1 if step == "corrected" and number % 10 == 0 else 0)
        rates = {"Min": average - 3, "Avg": average + 0.333, "Max": average + 8}
        data.append({"date": at.strftime("%Y-%m-%d %H:%M:%S %z"), **rates, "source": "Watch"})
    metric = {"name": "heart_rate", "units": "count/min", "data": data}
    return json.dumps({"data": {"metrics": [metric]}, "sent": step}).encode()


def deliver(step: str, points: int) -> dict[str, Any]:
    """Receive, take apart, process, and say how long each took."""
    from django.core.management import call_command

    from accounts.models import Account, User
    from integrations.jobs.runner import run_job
    from integrations.providers.apple_health.connecting import connect
    from integrations.webhooks.operations import deliver_file
    from synclogs.models import WAITING_JOB_STATUSES, Job, SyncLog

    if step == "first":
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
    owner, _ = User.objects.get_or_create(username="owner")
    credential = connect(Account.objects.platform(), owner)
    body = body_of(step, points)
    before, started = _peak_mb(), time.perf_counter()
    reply = deliver_file(credential, body, {"automation-aggregation": "Minutes"})
    assert reply.status == 200, reply.body
    door = time.perf_counter()
    hook = Job.objects.get(name="apple_health.webhook_hook", status__in=WAITING_JOB_STATUSES)
    run_job(str(hook.pk))
    split = time.perf_counter()
    chunks = list(Job.objects.filter(status__in=WAITING_JOB_STATUSES).values_list("pk", flat=True))
    for pk in chunks:
        run_job(str(pk))
    ended = time.perf_counter()
    run = SyncLog.objects.get(job=hook)
    counts = run.counts.as_dict()
    return {
        "step": step,
        "points": points,
        "body_mb": round(len(body) / (1 << 20), 1),
        "door_s": round(door - started, 2),
        "split_s": round(split - door, 2),
        "chunks": len(chunks),
        "rows_s": round(ended - split, 2),
        "seconds": round(ended - started, 2),
        "peak_mb": round(_peak_mb(), 1),
        "before_mb": round(before, 1),
        **{name: counts[name] for name in ("created", "updated", "unchanged", "skipped")},
        "right": run.sync_status == "completed"
        and counts["processed"] == points
        and _is_right(step, points, counts),
    }


def _is_right(step: str, points: int, counts: dict[str, int]) -> bool:
    if counts["processed"] != points:
        return False
    if step == "first":
        return counts["created"] == points
    if step == "again":
        return counts["created"] == counts["updated"] == 0
    return counts["created"] == 0 and counts["updated"] == -(-points // 10)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    django.setup()
    print(json.dumps(deliver(sys.argv[1], int(sys.argv[2]))))
