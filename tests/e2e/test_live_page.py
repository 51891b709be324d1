"""The live page in a real browser: a run appears, goes on, ends; a connection that is lost comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, expect

from accounts.models import Account, User
from synclogs.counts import Counts
from synclogs.models import SyncLog
from tests.factories import SyncLogFactory, UserFactory
from tests.operations.served import Served, serve

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Served]:
    with django_db_blocker.unblock(), serve() as served:
        connection.close()
        yield served


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console says is wrong."""
    return []


@pytest.fixture
def page(browser: Browser, server: Served, complaints: list[str]) -> Iterator[Page]:
    """A tab in which an admin has signed in."""
    boss: User = UserFactory.create(is_superuser=True)
    context = browser.new_context()
    for name, value in server.cookies(boss).items():
        context.add_cookies([{"name": name, "value": value, "url": server.url}])
    tab = context.new_page()
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.set_default_timeout(15_000)
    yield tab
    context.close()


def start() -> SyncLog:
    run = SyncLog.start("circuit_list", account=Account.objects.platform())
    run.note(records_expected=200)
    return run


def open_page(page: Page, server: Served) -> None:
    page.goto(f"{server.url}/live/")
    expect(page.locator("#live-connection")).to_have_text("live", timeout=15_000)


def test_a_run_appears_goes_on_and_ends(page: Page, server: Served, complaints: list[str]) -> None:
    SyncLogFactory.create(warning=True)
    open_page(page, server)
    expect(page.locator("#live-idle")).to_be_visible()
    expect(page.locator("#live-ended tr")).to_have_count(1)
    run = start()
    card = page.locator(f'article[data-run="{run.pk}"]')
    expect(card).to_be_visible()
    expect(page.locator("#live-idle")).to_be_hidden()
    run.add_batch(Counts(created=30, unchanged=70))
    expect(card).to_contain_text("100 of 200")
    expect(card).to_contain_text("30 created")
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    run.complete_with_warning("2 records could not be taken: see the issues.")
    row = page.locator(f'tr[data-run="{run.pk}"]')
    expect(row).to_contain_text("completed with warning")
    expect(row).to_contain_text("2 records could not be taken")
    expect(card).to_have_count(0)
    expect(page.locator("#live-idle")).to_be_visible()
    assert complaints == []


def test_a_failed_run_says_why_and_leads_to_its_page(page: Page, server: Served) -> None:
    open_page(page, server)
    run = start()
    run.fail("WorkStudio refused <b>the login</b>", code="unauthorized")
    row = page.locator(f'tr[data-run="{run.pk}"]')
    expect(row).to_contain_text("WorkStudio refused <b>the login</b>")
    row.get_by_role("link").first.click()
    expect(page).to_have_url(f"{server.url}/admin/synclogs/synclog/{run.pk}/change/")


def test_what_happened_while_the_connection_was_lost_is_shown(page: Page, server: Served) -> None:
    open_page(page, server)
    first = start()
    expect(page.locator(f'article[data-run="{first.pk}"]')).to_be_visible()
    page.context.set_offline(True)
    first.complete()
    second = start()
    second.fail("it broke meanwhile")
    third = start()
    page.context.set_offline(False)
    expect(page.locator(f'tr[data-run="{first.pk}"]')).to_contain_text("completed")
    expect(page.locator(f'tr[data-run="{second.pk}"]')).to_contain_text("it broke meanwhile")
    expect(page.locator(f'article[data-run="{third.pk}"]')).to_be_visible()


def test_a_run_never_goes_back_from_its_end(page: Page, server: Served) -> None:
    open_page(page, server)
    runs = [start() for _ in range(5)]
    for run in runs:
        run.complete()
    for run in runs:
        expect(page.locator(f'tr[data-run="{run.pk}"]')).to_contain_text("completed")
    page.wait_for_timeout(6_000)
    expect(page.locator("#live-running article")).to_have_count(0)
    expect(page.locator("#live-ended tr")).to_have_count(5)
