"""The live page while a worker is killed: its run goes on before one's eyes, and nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from circuits import services
from circuits.models import Circuit
from synclogs.models import AttemptOutcome, Job, JobAttempt, SyncLog
from tests.e2e.conftest import SIZE
from tests.factories import UserFactory
from tests.faults.installation import Installation, Workers, installation
from tests.faults.strikes import busy_worker
from tests.faults.vendor import Vendor
from tests.operations.served import Served, serve

pytestmark = [
    pytest.mark.browser,
    pytest.mark.kill,
    pytest.mark.timeout(180),
    pytest.mark.django_db(transaction=True),
]

CIRCUITS = 1200
SLOW = {"kind": "slow_drip", "chunk": 65536, "interval": 0.1, "times": "forever"}
REAL = {"DJANGO_SETTINGS_MODULE": "syncplatform.settings"}


@pytest.fixture
def ours(transactional_db: None, tmp_path: Path) -> Iterator[Installation]:
    with installation("orm", tmp_path, **REAL) as started:
        yield started


@pytest.fixture
def vendor(ours: Installation) -> Iterator[Vendor]:
    """A slow vendor with circuits, none of them broken."""
    running = Vendor(ours.popen("sandbox", "--port", "0", "--no-seed", "--json"))
    running.ask("seed", {"circuits": CIRCUITS, "polygon_points": 40, "hostile": False, "units": False})
    running.ask("faults", [SLOW])
    ours.environ.update(running.environ)
    yield running
    running.stop()


@pytest.fixture
def workers(ours: Installation, vendor: Vendor) -> Workers:
    """Two workers, both idle."""
    started = ours.start_workers()
    started.wait_ready()
    return started


@pytest.fixture
def server(workers: Workers) -> Iterator[Served]:
    with serve(QUEUE_BROKER="orm") as served:
        connection.close()
        yield served


@pytest.fixture
def complaints() -> list[str]:
    """What scripts and the browser's console say is wrong."""
    return []


@pytest.fixture
def page(browser: Browser, server: Served, complaints: list[str]) -> Iterator[Page]:
    """A tab in which an operator has signed in."""
    boss: User = UserFactory.create(is_superuser=True)
    context = browser.new_context(viewport=SIZE, base_url=server.url)
    for name, value in server.cookies(boss).items():
        context.add_cookies([{"name": name, "value": value, "url": server.url}])
    tab = context.new_page()
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    tab.set_default_timeout(30_000)
    yield tab
    context.close()


def picture(page: Page, name: str) -> None:
    """A picture of the page for whoever wants to look: into the folder SCREENSHOTS."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def processed(page: Page) -> int:
    """How many circuits the card of the running sync says are done."""
    said = page.locator("#live-running article .live-counts span").first.inner_text()
    return int(said.split()[0].replace(",", ""))


def test_a_run_whose_worker_is_killed_goes_on_and_ends_on_the_live_page(
    page: Page, ours: Installation, workers: Workers, vendor: Vendor, complaints: list[str]
) -> None:
    page.goto(reverse("operations:live"))
    expect(page.locator("#live-connection")).to_have_text("live")
    other = page.context.new_page()
    other.goto(reverse("admin:circuits_circuit_sync"))
    for box in other.locator('input[name="statuses"]').all():
        box.check()
    other.get_by_role("button", name="Queue the sync").click()
    other.wait_for_url("**/synclogs/job/**")
    other.close()

    card = page.locator("#live-running article", has_text="circuit list")
    expect(card).to_be_visible()
    expect(page.locator('[data-queue="running"]')).to_have_text("1")
    page.wait_for_function(
        "() => parseInt(document.querySelector('#live-running .live-counts span')?.innerText) > 0"
    )
    picture(page, "1-before")
    busy_worker(ours, workers)
    before = processed(page)
    assert before < CIRCUITS
    picture(page, "2-at-the-kill")
    page.wait_for_function(
        "before => parseInt(document.querySelector('#live-running .live-counts span')"
        "?.innerText.replace(',', '')) > before",
        arg=before,
    )
    picture(page, "3-going-on")

    run = SyncLog.objects.get(sync_type="circuit_list")
    row = page.locator(f'#live-ended tr[data-run="{run.pk}"]')
    expect(row).to_contain_text("completed")
    shown = row.locator("td.num").all_inner_texts()[:5]
    assert shown == [f"{CIRCUITS:,}", f"{CIRCUITS:,}", "0", "0", "0"]
    picture(page, "4-after")
    assert_nothing_lost(run, vendor)

    row.get_by_role("link").first.click()
    expect(page.locator("#content")).to_contain_text("completed")
    picture(page, "5-the-run")
    page.goto(reverse("admin:synclogs_job_change", args=[Job.objects.get(started_runs=run).pk]))
    expect(page.locator("#content")).to_contain_text("Lost after")
    picture(page, "6-the-job")
    assert complaints == []


def assert_nothing_lost(run: SyncLog, vendor: Vendor) -> None:
    """Every circuit once, the counts balanced, no lock left, the dead attempt on record."""
    run.refresh_from_db()
    held: Any = vendor.ask("state")
    assert run.records_processed == run.records_created == held["circuits"] == CIRCUITS
    assert Circuit.objects.count() == CIRCUITS
    assert run.lock_key is None
    assert run.integration == services.workstudio_connection()
    attempts = JobAttempt.objects.filter(job__started_runs=run).order_by("number")
    assert list(attempts.values_list("outcome", flat=True)) == [
        AttemptOutcome.LOST,
        AttemptOutcome.SUCCEEDED,
    ]
