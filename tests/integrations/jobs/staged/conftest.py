"""A served diary, a connection to it, and short ways to run what is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from accounts.models import Account, User
from integrations import registry
from integrations.jobs.runner import run_job
from integrations.models import Credential, Integration
from integrations.sandbox import SandboxServer
from synclogs.models import WAITING_JOB_STATUSES, Job, SyncLog
from tests.diary import jobs
from tests.diary.provider import DIARY
from tests.diary.sandbox import SLUG, TOKEN, DiarySandbox
from tests.factories import AccountFactory, UserFactory
from tests.integrations.jobs.committed import _empty_by_hand, committed  # noqa: F401
from tests.integrations.jobs.conftest import Clock, claim_of, clock  # noqa: F401


@pytest.fixture(autouse=True)
def _diary_is_known() -> Iterator[None]:
    """The provider exists within the test only."""
    registry.register(DIARY)
    yield
    registry._providers.pop(SLUG)
    jobs.during.clear()


@pytest.fixture(scope="session")
def _served() -> Iterator[SandboxServer]:
    with SandboxServer([DiarySandbox()]) as server:
        yield server


@pytest.fixture
def vendor(_served: SandboxServer) -> Iterator[DiarySandbox]:
    """What the vendor holds."""
    sandbox = _served.mounts[SLUG].sandbox
    assert isinstance(sandbox, DiarySandbox)
    yield sandbox
    sandbox.reset()
    _served.mounts[SLUG].faults.clear(forget=True)


@pytest.fixture
def fault(_served: SandboxServer) -> Callable[..., None]:
    """Lets something go wrong at the vendor."""

    def add(kind: str, **params: object) -> None:
        _served.mounts[SLUG].faults.add({**params, "kind": kind})

    return add


@pytest.fixture
def account(db: None) -> Account:
    """A tenant."""
    return AccountFactory()


@pytest.fixture
def owner(account: Account) -> User:
    """Whose diary it is."""
    return UserFactory(accounts=[account])


@pytest.fixture
def diary(account: Account, owner: User, vendor: DiarySandbox, _served: SandboxServer) -> Integration:
    """A connection whose polls bring entries."""
    credential = Credential.objects.create(
        account=account, user=owner, provider=SLUG, kind="oauth", secrets={"access_token": TOKEN}
    )
    return Integration.objects.create(
        account=account,
        user=owner,
        credential=credential,
        provider=SLUG,
        instance_type="entries",
        name="Diary",
        configuration={"url": _served.url_for(SLUG)},
    )


def run(job: Job) -> str:
    """What a worker does with a job; what became of it."""
    return run_job(str(job.pk))


def run_waiting() -> list[str]:
    """Run every job that waits, oldest first, whatever its time; what became of each."""
    waiting = Job.objects.filter(status__in=WAITING_JOB_STATUSES).order_by("created_at", "pk")
    return [run(job) for job in waiting]


def fetched(diary: Integration, **options: object) -> SyncLog:
    """Poll, process, and return the run."""
    job = jobs.DiaryEntryPull.dispatch(diary, args=options)
    run(job)
    run_waiting()
    return SyncLog.objects.get(job=job)
