"""How numbers, moments and states read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from synclogs.admin import html, words
from synclogs.admin.sentences import attempt_sentence, job_advice, run_sentence, run_title
from synclogs.models import AttemptOutcome, Job, JobAttempt, SyncLog, SyncPhase
from tests.factories import JobAttemptFactory, JobFactory, SyncLogFactory

WINTER_NIGHT = datetime(2026, 1, 5, 9, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1234, "1,234"), (9.8, "9.80"), (12345.678, "12,345.68"), (44.0, "44")]
)
def test_numbers_have_thousands_separators(value: float, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.42, "0.4 s"),
        (12.4, "12 s"),
        (192, "3 min 12 s"),
        (7500, "2 h 5 min"),
        (100_000, "1 day 3 h"),
        (300_000, "3 days 11 h"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "just now"),
        (40, "40 s ago"),
        (119, "1 min ago"),
        (3 * 3600 + 5, "3 h ago"),
        (86_400 + 5, "1 day ago"),
        (9 * 86_400 + 5, "9 days ago"),
        (-125, "in 2 min"),
        (-2, "in a moment"),
    ],
)
def test_moments_are_told_by_their_distance(seconds: int, text: str) -> None:
    assert words.ago(timezone.now() - timedelta(seconds=seconds)) == text


def test_absolute_moments_are_in_the_office_zone_and_name_it() -> None:
    assert words.absolute(WINTER_NIGHT) == "Mon, Jan 5, 2026, 4:30:12 AM EST"
    assert words.absolute(WINTER_NIGHT.replace(month=7)) == "Sun, Jul 5, 2026, 5:30:12 AM EDT"


def test_a_relative_moment_has_the_absolute_one_on_hover() -> None:
    assert 'title="Mon, Jan 5, 2026, 4:30:12 AM EST"' in html.when(WINTER_NIGHT)


def test_text_from_outside_is_escaped() -> None:
    bad = "<script>alert(1)</script>"

    pieces = (
        html.label(bad, title='"><b>'),
        html.muted(bad),
        html.clipped(bad),
        html.link("?", bad),
        html.bar(50, text=bad),
        html.pretty_json({"title": bad}),
        html.stacked(bad),
        html.post_button(bad, "?", name="x", value='"><b>'),
    )

    for piece in pieces:
        assert "<script>" not in piece
        assert '"><b>' not in piece


def test_pretty_json_hides_secrets() -> None:
    assert "hunter2" not in html.pretty_json({"login": {"password": "hunter2"}})


@pytest.mark.parametrize(
    ("traits", "sentence"),
    [
        ({}, "Done in 12 s: 176 records, 3 new and 10 changed."),
        ({"records_created": 0, "records_updated": 0}, "Done in 12 s: nothing had changed in 163 records."),
        ({"warning": True}, "Done in 12 s, but 2 of 178 records could not be taken."),
        ({"failed": True}, "Failed after 12 s."),
        ({"failed": True, "records_created": 1}, "Failed after 12 s; 1 record taken before that are kept."),
        ({"cancelled": True}, "Cancelled after 12 s; 176 records taken before that are kept."),
        (
            {"records_created": 0, "records_updated": 0, "records_unchanged": 0},
            "Done in 12 s: no records came back.",
        ),
    ],
)
def test_a_run_is_told_in_one_sentence(traits: dict[str, Any], sentence: str) -> None:
    assert run_sentence(SyncLogFactory.build(account=None, **traits)) == sentence


def test_a_running_run_says_how_far_it_is() -> None:
    run: SyncLog = SyncLogFactory.build(account=None, running=True, records_expected=1200)

    assert run_sentence(run).endswith("processing: 176 of 1,200 records so far.")
    assert "5 min" in run_sentence(run)


def test_a_run_whose_job_waits_says_why() -> None:
    job = JobFactory.build(account=None, waiting=True, wait_reason="vendor says wait")
    run: SyncLog = SyncLogFactory.build(account=None, running=True, phase=SyncPhase.REQUESTED, job=job)

    assert run_sentence(run).startswith("Waits until ")
    assert run_sentence(run).endswith(": vendor says wait.")


def test_a_run_is_named_by_what_it_is_limited_to() -> None:
    assert run_title(SyncLogFactory.build(account=None, context={"statuses": ["QC", "CLOSE"]})) == (
        "Circuit list: QC, CLOSE"
    )
    assert run_title(SyncLogFactory.build(account=None, context={}, scope="NF")) == "Circuit list: NF"
    assert run_title(SyncLogFactory.build(account=None, context={})) == "Circuit list"


@pytest.mark.parametrize(
    ("traits", "words_in_it"),
    [
        ({}, "waits for a free worker"),
        ({"run_at": timezone.now() + timedelta(hours=1), "wait_reason": "lock held"}, "because: lock held"),
        ({"running": True}, "A worker (worker-1:4711) is on it"),
        ({"running": True, "lease_until": timezone.now() - timedelta(minutes=5)}, "not been heard of since"),
        ({"running": True, "cancel_requested_at": timezone.now()}, "stops at its next batch"),
        ({"waiting": True}, "starts by itself at"),
        ({"succeeded": True}, "nothing to do"),
        ({"failed": True}, "Remove the cause, then press Retry."),
        ({"cancelled": True}, "Retry queues the same work again"),
    ],
)
def test_a_job_says_what_to_do_about_it(traits: dict[str, Any], words_in_it: str) -> None:
    assert words_in_it in job_advice(JobFactory.build(account=None, **traits))


def test_a_failed_job_repeats_the_advice_of_its_last_attempt() -> None:
    job: Job = JobFactory.build(account=None, failed=True)
    last: JobAttempt = JobAttemptFactory.build(job=job, failed=True)

    assert job_advice(job, last=last) == "Check that WorkStudio is up. Remove the cause, then press Retry."


def test_a_retried_job_points_to_its_retry() -> None:
    job: Job = JobFactory.build(account=None, failed=True)
    retry: Job = JobFactory.build(account=None)

    assert f"queued again as {retry}" in job_advice(job, retried_as=retry)


def test_an_attempt_says_how_it_ended_and_why_the_job_waited() -> None:
    attempt: JobAttempt = JobAttemptFactory.build(
        job=JobFactory.build(account=None),
        outcome=AttemptOutcome.POSTPONED,
        rule="lock held",
        wait_s=60,
        wait_reason="another run goes on",
    )

    assert attempt_sentence(attempt) == (
        "Postponed after 1 min 0 s (lock held); then waited 1 min 0 s: another run goes on."
    )
