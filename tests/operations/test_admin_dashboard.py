"""The admin's first page."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.factories import (
    CircuitFactory,
    JobFactory,
    SyncLogFactory,
    UnlinkedPlannerFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def _page(client: Client) -> str:
    answer = client.get(reverse("admin:index"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_platform_says_what_to_do_next(admin_client: Client) -> None:
    text = _page(admin_client)

    assert "No runs yet: press Sync now" in text
    assert "Nothing is running." in text
    assert "Every planner has a user." in text


def test_the_cards_count_what_matters(admin_client: Client) -> None:
    SyncLogFactory(failed=True, started_at=timezone.now())
    CircuitFactory.create_batch(2, api_status="QC")
    UnlinkedPlannerFactory()
    JobFactory(retry_of=JobFactory(failed=True))
    JobFactory(failed=True)

    text = _page(admin_client)

    assert "<b>1</b> failed" in text
    assert "<b>2</b> Quality control" in text
    assert "Nobody has retried them yet." in text
    assert "WorkStudio names that no user carries." in text


def test_a_job_that_nobody_takes_raises_the_question_whether_workers_run(admin_client: Client) -> None:
    JobFactory(run_at=timezone.now() - timedelta(minutes=20))

    assert "check that workers run" in _page(admin_client)


def test_running_runs_are_followed_live(admin_client: Client) -> None:
    SyncLogFactory(running=True)
    url = reverse("admin:synclogs_synclog_running")

    assert f'data-live="{url}"' in _page(admin_client)
    answer = admin_client.get(url).json()
    assert "176 of 200" in answer["parts"]["running"]
    assert answer["every"] == 2000


def test_the_page_asks_as_many_queries_for_many_rows_as_for_few(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(40) as captured:
            _page(admin_client)
        return len(captured)

    for _ in range(3):
        SyncLogFactory(job=JobFactory(), running=True)
    few = queries()
    for _ in range(30):
        SyncLogFactory(job=JobFactory(failed=True), triggered_by=UserFactory())

    assert queries() == few


def test_only_what_the_user_may_see_is_on_the_page(client: Client) -> None:
    SyncLogFactory(failed=True, error_message="none of your business")
    client.force_login(UserFactory())

    text = _page(client)

    for hidden in ("Runs today", "Failed jobs", "Unlinked planners", "none of your business", "Sync now"):
        assert hidden not in text
