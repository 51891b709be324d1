"""A real browser for the tests of this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.factories import PASSWORD, UserFactory

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
SIZE: ViewportSize = {"width": 1440, "height": 900}

SignIn = Callable[[User], None]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; skips the test where there is none."""
    named = os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        pytest.skip("no Chromium found: install it, or set CHROMIUM")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for all tests.

    Playwright keeps an event loop in this thread, in which Django would refuse to touch the database.
    """
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A fresh window. Fails the test for script errors, broken links and requests to other hosts."""
    problems: list[str] = []
    context = browser.new_context(viewport=SIZE, base_url=live_server.url)
    window = context.new_page()
    window.set_default_timeout(15_000)
    window.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    window.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    window.on(
        "request",
        lambda request: (
            problems.append(f"request to {request.url}")
            if not request.url.startswith((live_server.url, "data:"))
            else None
        ),
    )
    yield window
    context.close()
    assert problems == []


@pytest.fixture
def operator(transactional_db: None) -> User:
    """Somebody who may do everything that operators do."""
    user: User = UserFactory(username="olga", is_superuser=True)
    return user


@pytest.fixture
def signed_in(page: Page, operator: User) -> Page:
    """The window of an operator who has signed in."""
    page.goto(reverse("admin:login"))
    page.get_by_label("Username").fill(operator.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{reverse('admin:index')}")
    return page
