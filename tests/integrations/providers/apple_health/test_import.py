"""Importing an export file with a command, without any server."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from integrations.models import Block, Credential, Event, Integration
from integrations.providers.apple_health import imports
from synclogs.models import CommandExecution, Job, SyncIssue, SyncLog
from tests.integrations.providers.apple_health.conftest import FIXTURES, Phone, fixture

METRICS = FIXTURES / "apple_health_metrics.json"


def call(*arguments: str | Path) -> dict[str, Any]:
    """What the command prints for machines; its exit code under `exit`."""
    out, code = StringIO(), 0
    try:
        call_command("import_apple_health", *map(str, arguments), "--json", stdout=out)
    except SystemExit as error:
        code = int(error.code or 0)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer | {"exit": code}


def test_a_file_is_imported_for_a_user_who_had_no_phone(owner: User) -> None:
    answer = call(METRICS, "--user", owner.username, "--aggregation", "Days")
    assert (answer["exit"], answer["status"]) == (0, "partial")
    assert (answer["counters"]["created"], answer["counters"]["failed"]) == (9, 2)
    assert Event.objects.count() == 9
    assert SyncIssue.objects.count() == len(answer["refused"]) == 2
    credential = Credential.objects.get(provider="apple_health", user=owner)
    assert set(credential.integrations.values_list("instance_type", flat=True)) == {"metrics", "workouts"}


def test_importing_again_changes_nothing(owner: User) -> None:
    call(METRICS, "--user", owner.username)
    answer = call(METRICS)
    assert (answer["counters"]["created"], answer["counters"]["unchanged"]) == (0, 9)


def test_a_file_and_a_delivery_give_the_same_rows(phone: Phone, owner: User) -> None:
    phone.deliver(fixture("metrics"), automation_aggregation="Days")
    phone.deliver(fixture("workouts"))
    before = sorted(Event.objects.values_list("source_id", "value")), Block.objects.count()
    for name in ("metrics", "workouts"):
        path = FIXTURES / f"apple_health_{name}.json"
        assert call(path, "--aggregation", "days")["counters"]["created"] == 0
    assert (sorted(Event.objects.values_list("source_id", "value")), Block.objects.count()) == before


def test_a_dry_run_tells_the_same_and_writes_nothing(owner: User) -> None:
    told = call(METRICS, "--user", owner.username, "--dry-run")
    assert told["action"] == "dry_run"
    for model in (Event, Credential, Integration, SyncLog, Job, CommandExecution):
        assert not model.objects.exists()
    done = call(METRICS, "--user", owner.username)
    assert told["counters"] == done["counters"]
    assert call(METRICS, "--dry-run")["counters"]["unchanged"] == 9


def test_many_records_are_taken_batch_by_batch(
    owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 20)
    data = [{"date": f"2026-01-01 00:{n:02}:00 +0000", "qty": n} for n in range(55)]
    document = {"data": {"metrics": [{"name": "step_count", "units": "count", "data": data}]}}
    path = tmp_path / "export.json"
    path.write_text(json.dumps(document))
    assert call(path, "--user", owner.username)["counters"]["created"] == 55


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "cannot be read"), (b"<xml/>", "is no export"), (b"[]", "is no export"), (None, "cannot be read")],
)
def test_a_file_that_is_none_is_named(owner: User, tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "export.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=words) as refused:
        call_command("import_apple_health", str(path), "--user", owner.username)
    assert refused.value.returncode == 2


def test_a_file_without_workouts_or_metrics_is_nothing_to_do(owner: User, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text('{"data": {"ecg": [{}]}}')
    out = StringIO()
    call_command("import_apple_health", str(path), "--user", owner.username, stdout=out)
    assert "holds no workouts or metrics: nothing to do." in out.getvalue()


def test_whose_records_they_are_has_to_be_clear(owner: User, phone: Phone) -> None:
    with pytest.raises(CommandError, match="there is no user 'nobody'"):
        call_command("import_apple_health", str(METRICS), "--user", "nobody")
    Phone(phone.credential.account, User.objects.create(username="other"), "metrics")
    with pytest.raises(CommandError, match="several phones"):
        call_command("import_apple_health", str(METRICS))


def test_people_read_what_was_left_out(owner: User) -> None:
    out = StringIO()
    call_command("import_apple_health", str(METRICS), "--user", owner.username, stdout=out)
    assert out.getvalue().splitlines() == [
        "metrics: 11 records (9 created, 2 failed)",
        "  cannot be taken: weight_body_mass not a date: date is no date with an offset: 'not a date'",
        "  cannot be taken: weight_body_mass 2026-03-29 07:55:12 +0100: qty is missing",
    ]
