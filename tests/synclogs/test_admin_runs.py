"""The pages of runs."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from synclogs.models import Job, SyncLog, SyncStatus
from tests.factories import (
    IntegrationFactory,
    JobAttemptFactory,
    JobFactory,
    SyncIssueFactory,
    SyncLogFactory,
)

pytestmark = pytest.mark.django_db

LIST = "admin:synclogs_synclog_changelist"


def _text(client: Client, name: str, *args: Any, **query: Any) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def _page(client: Client, run: SyncLog, **query: Any) -> str:
    return _text(client, "admin:synclogs_synclog_change", run.pk, **query)


def test_the_list_shows_status_counts_and_error(admin_client: Client) -> None:
    SyncLogFactory(failed=True, records_updated=1234)

    text = _text(admin_client, LIST)

    assert "failed" in text
    assert "<b>1,234</b> updated" in text
    assert "WorkStudio API is unavailable" in text
    assert 'op-zero"><b>0</b> created' in text


def test_an_empty_list_says_what_to_do_next(admin_client: Client) -> None:
    assert "manage.py sync_circuits --status ALL" in _text(admin_client, LIST)


def test_a_filter_that_matches_nothing_says_so(admin_client: Client) -> None:
    SyncLogFactory()

    text = _text(admin_client, LIST, sync_status__exact="failed")

    assert "Nothing matches" in text
    assert "manage.py" not in text


@pytest.mark.parametrize(
    "query",
    [
        {"sync_status__exact": "failed"},
        {"sync_type": "aggregates"},
        {"sync_trigger__exact": "scheduled"},
        {"started_within": "3"},
        {"q": "no such thing"},
    ],
)
def test_filters_narrow_the_list(admin_client: Client, query: dict[str, str]) -> None:
    wanted = SyncLogFactory(
        failed=True, sync_type="aggregates", sync_trigger="scheduled", error_message="no such thing"
    )
    other = SyncLogFactory(started_at=timezone.now() - timedelta(days=9))

    text = _text(admin_client, LIST, **query)

    assert str(wanted.pk) in text
    assert str(other.pk) not in text


def test_runs_are_filtered_by_connection(admin_client: Client) -> None:
    wanted, other = SyncLogFactory(integration=IntegrationFactory()), SyncLogFactory()

    text = _text(admin_client, LIST, integration__id__exact=str(wanted.integration.pk))

    assert str(wanted.pk) in text
    assert str(other.pk) not in text


def test_the_list_asks_as_many_queries_for_fifty_rows_as_for_five(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(40) as captured:
            _text(admin_client, LIST)
        return len(captured)

    connection = IntegrationFactory()
    for _ in range(5):
        SyncLogFactory(integration=connection, job=JobFactory())
    few = queries()
    for _ in range(45):
        SyncLogFactory(integration=connection, job=JobFactory(), running=True)

    assert queries() == few


def test_the_list_is_live_only_while_something_runs(admin_client: Client) -> None:
    SyncLogFactory()
    assert "data-live=" not in _text(admin_client, LIST)

    run = SyncLogFactory(running=True)
    text = _text(admin_client, LIST)

    assert f"{reverse('admin:synclogs_synclog_live')}?run={run.pk}" in text
    assert f'data-part="run-{run.pk}-status"' in text


def test_a_live_answer_has_new_counts_and_says_that_it_goes_on(admin_client: Client) -> None:
    run = SyncLogFactory(running=True, records_expected=2000)

    answer = admin_client.get(reverse("admin:synclogs_synclog_live"), {"run": str(run.pk)}).json()

    assert answer["open"] is True
    assert "176 of 2,000" in answer["parts"][f"run-{run.pk}-outcome"]


def test_a_live_answer_ends_with_the_run(admin_client: Client) -> None:
    run = SyncLogFactory()

    answer = admin_client.get(reverse("admin:synclogs_synclog_live"), {"run": str(run.pk)}).json()

    assert answer["open"] is False
    assert "completed" in answer["parts"][f"run-{run.pk}-status"]
    assert "Retry" in answer["parts"][f"run-{run.pk}-again"]


def test_a_live_question_with_nonsense_is_answered_with_nothing(admin_client: Client) -> None:
    answer = admin_client.get(reverse("admin:synclogs_synclog_live"), {"run": "1; drop table"})

    assert answer.json() == {"open": False, "parts": {}}


def test_a_retry_queues_a_job_leaves_a_trace_and_goes_to_the_job(
    admin_client: Client, admin_user: Any
) -> None:
    run = SyncLogFactory(failed=True, job=JobFactory(failed=True))

    answer = admin_client.post(reverse("admin:synclogs_synclog_retry", args=[run.pk]))

    job = Job.objects.get(retry_of=run.job)
    assert answer["Location"] == reverse("admin:synclogs_job_change", args=[job.pk])
    assert job.args["triggered_by"] == admin_user.pk
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (admin_user, str(run.pk))
    assert str(job.pk) in entry.get_change_message()


def test_a_retry_that_makes_no_sense_is_explained(admin_client: Client) -> None:
    run = SyncLogFactory(failed=True)

    answer = admin_client.post(reverse("admin:synclogs_synclog_retry", args=[run.pk]), follow=True)

    assert "the job of this run was pruned" in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_a_retry_of_a_job_class_that_is_gone_is_explained(admin_client: Client) -> None:
    run = SyncLogFactory(failed=True, job=JobFactory(failed=True, name="gone.job"))

    answer = admin_client.post(reverse("admin:synclogs_synclog_retry", args=[run.pk]), follow=True)

    assert "no job class is called" in answer.content.decode()


def test_the_same_work_is_not_queued_twice(admin_client: Client) -> None:
    run = SyncLogFactory(failed=True, job=JobFactory(failed=True))
    url = reverse("admin:synclogs_synclog_retry", args=[run.pk])

    admin_client.post(url)
    answer = admin_client.post(url, follow=True)

    assert Job.objects.filter(retry_of=run.job).count() == 1
    assert "The same work is queued already" in answer.content.decode()


def test_selected_runs_are_retried_at_once(admin_client: Client) -> None:
    runs = [
        SyncLogFactory(failed=True, job=JobFactory(failed=True, args={"statuses": [status]}))
        for status in ("ACTIV", "QC")
    ]

    answer = admin_client.post(
        reverse(LIST), {"action": "retry_selected", "_selected_action": [str(run.pk) for run in runs]}
    )

    assert answer["Location"] == reverse("admin:synclogs_job_changelist")
    assert Job.objects.filter(retry_of__isnull=False).count() == 2


def test_the_page_says_what_happened_and_what_to_do(admin_client: Client) -> None:
    text = _page(admin_client, SyncLogFactory(failed=True, changed_fields={"miles_planned": 19}))

    assert "Failed after 12 s." in text
    assert "Check that WorkStudio is up, then retry." in text
    assert "Miles planned" in text


def test_the_page_links_to_job_attempts_retries_and_connection(admin_client: Client) -> None:
    connection = IntegrationFactory()
    job = JobFactory(failed=True, integration=connection)
    run = SyncLogFactory(failed=True, job=job, integration=connection)
    JobAttemptFactory(job=job, number=1, failed=True)
    retry = JobFactory(retry_of=job)
    again = SyncLogFactory(retry_of=run)

    text = _page(admin_client, run)

    for found in (job, retry):
        assert reverse("admin:synclogs_job_change", args=[found.pk]) in text
    assert reverse("admin:synclogs_synclog_change", args=[again.pk]) in text
    assert reverse("admin:integrations_integration_change", args=[connection.pk]) in text
    assert "not retryable" in text
    assert "<summary>Traceback</summary>" in text


def test_issues_are_counted_by_code_filtered_and_paged(admin_client: Client) -> None:
    run = SyncLogFactory(warning=True)
    SyncIssueFactory.create_batch(60, run=run, error_code="bad_value")
    SyncIssueFactory(run=run, error_code="missing_key", error_message="no SS_JOBGUID")

    first = _page(admin_client, run)
    second = _page(admin_client, run, page=2)
    narrowed = _page(admin_client, run, code="missing_key")

    assert "<b>60</b> bad_value" in first
    assert "<b>1</b> missing_key" in first
    assert "no SS_JOBGUID" not in first
    assert "no SS_JOBGUID" in second
    assert narrowed.count("is not a number") == 0
    assert "no SS_JOBGUID" in narrowed


def test_the_page_of_a_running_run_is_live_until_it_ends(admin_client: Client) -> None:
    run = SyncLogFactory(running=True, job=JobFactory(running=True))
    live = reverse("admin:synclogs_synclog_live_page", args=[run.pk])

    assert f'data-live="{live}"' in _page(admin_client, run)
    assert admin_client.get(live).json()["open"] is True

    SyncLog.objects.filter(pk=run.pk).update(sync_status=SyncStatus.COMPLETED, duration_seconds=9.5)
    answer = admin_client.get(live).json()

    assert answer["open"] is False
    assert "Done in 9.5 s" in answer["parts"]["run-head"]


def test_nothing_of_a_run_can_be_edited_added_or_deleted(admin_client: Client) -> None:
    run = SyncLogFactory()
    page = reverse("admin:synclogs_synclog_change", args=[run.pk])

    assert admin_client.post(page, {"sync_type": "other"}).status_code == 403
    assert admin_client.get(reverse("admin:synclogs_synclog_add")).status_code == 403
    assert admin_client.post(reverse("admin:synclogs_synclog_delete", args=[run.pk])).status_code == 403


def test_what_vendors_say_is_escaped(admin_client: Client) -> None:
    bad = "<script>alert(1)</script>"
    run = SyncLogFactory(failed=True, error_message=bad, context={"statuses": [bad]})
    SyncIssueFactory(run=run, error_message=bad, source_id=bad, excerpt=bad)

    assert bad not in _page(admin_client, run)
    assert bad not in _text(admin_client, LIST)
