"""The older console's names for a job's steps are part of the one path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from accounts.models import Account
from integrations.http.errors import ServerError
from integrations.jobs import steps
from integrations.jobs.claim import claim
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.registry import register_job
from synclogs import metrics
from synclogs.models import Alert, Job, JobStatus
from tests.integrations.jobs.testjobs import ActingJob, acting

pytestmark = pytest.mark.django_db


@register_job
class PickyJob(ActingJob):
    """Needs a number, and is not retried for the number 13."""

    name = "tests.picky"
    job_type = "picky"
    required_args: ClassVar[Mapping[str, type]] = {"n": int}

    def should_retry_job(self, error: BaseException, job_data: Mapping[str, Any]) -> bool:
        """Bad luck is not tried twice."""
        return job_data["n"] != 13 and super().should_retry_job(error, job_data)


def dispatched(account: Account, **args: Any) -> Job:
    """A job that waits to be run."""
    return PickyJob.dispatch(account=account, args=args)


def fail(work: Any) -> None:
    """As a vendor does now and then."""
    raise ServerError(status=503)


def test_process_job_takes_a_job_or_its_id_and_says_whether_it_succeeded(account: Account) -> None:
    first, second = dispatched(account, n=1), dispatched(account, n=2)
    with acting():
        assert PickyJob.process_job(first)
        assert PickyJob.process_job(str(second.pk))
        assert not PickyJob.process_job(first)
    assert set(Job.objects.values_list("status", flat=True)) == {JobStatus.SUCCEEDED}


def test_process_job_raises_nothing_when_the_work_fails(account: Account) -> None:
    job = dispatched(account, n=1)
    with acting(handle=fail):
        assert not PickyJob.process_job(job)
    job.refresh_from_db()
    assert (job.status, job.attempts, job.error_code) == (JobStatus.RETRY_WAIT, 1, "server_error")


@pytest.mark.parametrize("args", [{}, {"n": "1"}])
def test_arguments_are_looked_at_before_the_work_and_not_tried_again(
    account: Account, args: dict[str, Any]
) -> None:
    job = dispatched(account, **args)
    with acting() as called:
        assert not PickyJob.process_job(job)
    job.refresh_from_db()
    assert "handle" not in called
    assert (job.status, job.error_code) == (JobStatus.FAILED, "bad_arguments")
    assert "argument n should be int" in job.error_message


def test_a_job_may_refuse_to_be_tried_again(account: Account) -> None:
    job = dispatched(account, n=13)
    with acting(handle=fail):
        PickyJob.process_job(job)
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED
    assert job.tries.get().rule == "retryable vendor error, the job says no"


def held(account: Account) -> PickyJob:
    """A job in the middle of its work."""
    taken = claim(dispatched(account, n=1).pk)
    assert taken is not None
    return PickyJob(taken, LeaseKeeper(taken))


@pytest.mark.parametrize(("delay", "expected"), [(None, 60), (5, 5)])
def test_retry_job_waits_as_told_or_as_the_class_lists(
    account: Account, delay: float | None, expected: float
) -> None:
    work = held(account)
    with acting() as called:
        work.retry_job(work.job, delay)
    job = Job.objects.get()
    attempt = job.tries.get()
    assert (job.status, job.attempts, attempt.wait_s) == (JobStatus.RETRY_WAIT, 1, expected)
    assert called == ["on_waiting"]


def test_handle_job_failure_ends_the_job_whatever_the_error_is(account: Account) -> None:
    work = held(account)
    with acting() as called:
        work.handle_job_failure(work.job, ServerError(status=503))
    job = Job.objects.get()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "server_error")
    assert called == ["on_failed"]
    assert Alert.objects.filter(rule="dead_letter").exists()


def test_metrics_and_errors_carry_the_workers_name(account: Account, settings: Any) -> None:
    settings.STATSD_BACKEND = "memory"
    sink = metrics.backend()
    assert isinstance(sink, metrics.MemoryBackend)
    sink.lines.clear()
    work = held(account)
    work.log_job_metrics(work.job, "retried", 20)
    work.handle_worker_error(ValueError("odd"), {"n": 1})
    sent = " ".join(sink.lines)
    assert "queue.job.retried:1|c" in sent
    assert "queue.job.duration:20|ms" in sent
    assert "worker:picky_job" in sent
    assert steps.JobSteps.is_critical_error(ValueError("odd"))
    assert Alert.objects.filter(source="picky_job").exists()
