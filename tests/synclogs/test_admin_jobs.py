"""The pages of jobs."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from synclogs.models import Job, JobStatus
from tests.factories import JobAttemptFactory, JobFactory, SyncLogFactory

pytestmark = pytest.mark.django_db

LIST = "admin:synclogs_job_changelist"


def _text(client: Client, name: str, *args: Any, **query: Any) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_says_why_a_job_waits_and_offers_what_makes_sense(admin_client: Client) -> None:
    waiting, failed, done = JobFactory(waiting=True), JobFactory(failed=True), JobFactory(succeeded=True)

    text = _text(admin_client, LIST)

    assert "retry 1 of 3 after 600 s" in text
    assert reverse("admin:synclogs_job_cancel", args=[waiting.pk]) in text
    assert reverse("admin:synclogs_job_retry", args=[failed.pk]) in text
    assert reverse("admin:synclogs_job_retry", args=[done.pk]) not in text


def test_an_empty_list_says_what_to_do_next(admin_client: Client) -> None:
    assert "Press Sync now" in _text(admin_client, LIST)


def test_the_quick_filter_open_finds_every_job_without_an_end(admin_client: Client) -> None:
    wanted = [JobFactory(), JobFactory(running=True), JobFactory(waiting=True)]
    other = JobFactory(succeeded=True)

    answer = admin_client.get(
        f"{reverse(LIST)}?status__exact=queued&status__exact=running&status__exact=retry_wait"
    )

    text = answer.content.decode()
    assert all(str(job.pk) in text for job in wanted)
    assert str(other.pk) not in text


def test_the_list_asks_as_many_queries_for_fifty_rows_as_for_five(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(40) as captured:
            _text(admin_client, LIST)
        return len(captured)

    for _ in range(5):
        JobFactory(failed=True, run=SyncLogFactory())
    few = queries()
    for _ in range(45):
        JobFactory(running=True, run=SyncLogFactory())

    assert queries() == few


def test_the_page_shows_every_attempt_and_what_to_do(admin_client: Client) -> None:
    job = JobFactory(failed=True)
    JobAttemptFactory(job=job, number=1, outcome="postponed", rule="lock held", wait_s=60)
    JobAttemptFactory(job=job, number=2, failed=True)

    text = _text(admin_client, "admin:synclogs_job_change", job.pk)

    assert "Check that WorkStudio is up. Remove the cause, then press Retry." in text
    assert "Attempt 1" in text
    assert "lock held" in text
    assert "<summary>Traceback</summary>" in text


def test_the_page_follows_an_open_job_to_its_end(admin_client: Client) -> None:
    job = JobFactory()
    live = reverse("admin:synclogs_job_live_page", args=[job.pk])

    assert f'data-live="{live}"' in _text(admin_client, "admin:synclogs_job_change", job.pk)
    assert "waits for a free worker" in admin_client.get(live).json()["parts"]["job-head"]

    Job.objects.filter(pk=job.pk).update(status=JobStatus.SUCCEEDED)

    answer = admin_client.get(live).json()
    assert answer["open"] is False
    assert "nothing to do" in answer["parts"]["job-head"]


def test_a_waiting_job_is_cancelled_with_a_trace(admin_client: Client, admin_user: Any) -> None:
    job = JobFactory()

    answer = admin_client.post(reverse("admin:synclogs_job_cancel", args=[job.pk]), follow=True)

    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert "is cancelled" in answer.content.decode()
    assert LogEntry.objects.get().user == admin_user


def test_a_running_job_is_asked_to_stop(admin_client: Client) -> None:
    job = JobFactory(running=True)

    answer = admin_client.post(reverse("admin:synclogs_job_cancel", args=[job.pk]), follow=True)

    job.refresh_from_db()
    assert job.cancel_requested_at is not None
    assert "will stop at its next batch" in answer.content.decode()


@pytest.mark.parametrize(
    ("view", "traits"), [("cancel", {"succeeded": True}), ("retry", {"succeeded": True})]
)
def test_what_makes_no_sense_is_explained(admin_client: Client, view: str, traits: dict[str, Any]) -> None:
    job = JobFactory(**traits)

    answer = admin_client.post(reverse(f"admin:synclogs_job_{view}", args=[job.pk]), follow=True)

    assert "succeeded" in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_a_retry_goes_to_the_new_job(admin_client: Client) -> None:
    job = JobFactory(failed=True)

    answer = admin_client.post(reverse("admin:synclogs_job_retry", args=[job.pk]))

    retry = Job.objects.get(retry_of=job)
    assert answer["Location"] == reverse("admin:synclogs_job_change", args=[retry.pk])


def test_selected_jobs_are_cancelled(admin_client: Client) -> None:
    jobs = [JobFactory(), JobFactory(waiting=True)]

    admin_client.post(
        reverse(LIST), {"action": "cancel_selected", "_selected_action": [str(job.pk) for job in jobs]}
    )

    assert Job.objects.filter(status=JobStatus.CANCELLED).count() == 2
    assert LogEntry.objects.count() == 2


def test_the_history_of_a_job_says_who_cancelled_it(admin_client: Client) -> None:
    job = JobFactory()
    admin_client.post(reverse("admin:synclogs_job_cancel", args=[job.pk]))

    text = _text(admin_client, "admin:synclogs_job_history", job.pk)

    assert "Cancelled." in text
    assert "admin" in text


def test_nothing_of_a_job_can_be_edited_added_or_deleted(admin_client: Client) -> None:
    job = JobFactory()

    assert admin_client.post(reverse("admin:synclogs_job_change", args=[job.pk]), {}).status_code == 403
    assert admin_client.get(reverse("admin:synclogs_job_add")).status_code == 403
    assert admin_client.post(reverse("admin:synclogs_job_delete", args=[job.pk])).status_code == 403
