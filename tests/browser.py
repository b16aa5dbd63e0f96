"""A real browser for tests: pages of a persona, watched for what the policy blocks and for errors of scripts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.accounts.factories import log_in
from tests.chromium import NoChromium, find_chromium

# A loopback server answers at once, but two test runs to a core may not.
PATIENCE_MILLISECONDS = 30_000
WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) =>
    window.reportBreach(`${event.violatedDirective} blocked ${event.blockedURI} on ${location.pathname}`));
"""
AXE_OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

OpenPage = Callable[..., Page]


@dataclass
class Watch:
    """What went wrong in the pages of one test."""

    problems: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        """Note policy breaches, errors of scripts and failures of the server on ``page``."""
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("response", self._note_failure)

    def over_context(self, context: BrowserContext) -> None:
        """Note what the content policy blocks in every page of ``context``."""
        context.expose_binding("reportBreach", lambda _, said: self.problems.append(f"policy: {said}"))
        context.add_init_script(WATCH_POLICY)

    def _note_failure(self, response: Response) -> None:
        if response.status >= 500:
            self.problems.append(f"server: {response.status} {response.url}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start one Chromium for the run; without one, skip with the reason, or fail where REQUIRE_BROWSER is set."""
    try:
        found = find_chromium()
    except NoChromium as reason:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(found.program),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            env={**os.environ, **found.environment},
        )
        yield browser
        browser.close()


@pytest.fixture
def live(live_server: LiveServer) -> str:
    """Return the address of a server on the test's own database."""
    return str(live_server.url)


@pytest.fixture
def page(chromium: Browser, live: str) -> Iterator[OpenPage]:
    """Open pages: ``page(user, dark=…, width=…)`` is signed in as ``user``; what goes wrong in it fails the test."""
    watch = Watch()
    contexts: list[BrowserContext] = []

    def open_page(user: User | None = None, *, dark: bool = False, width: int = 1440, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=live,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900},
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        watch.over_context(context)
        if user is not None:
            sign_in(context, user, live)
        opened = context.new_page()
        watch.over(opened)
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert watch.problems == []


def sign_in(context: BrowserContext, user: User, address: str) -> None:
    """Give a browser the session of ``user``, second factor included."""
    client = Client()
    log_in(client, user)
    context.add_cookies(
        [
            {"name": name, "value": cookie.value, "url": address, "httpOnly": True, "sameSite": "Lax"}
            for name, cookie in client.cookies.items()
        ]
    )


def breaches(page: Page) -> list[str]:
    """Return what axe finds wrong with a page, a line each."""
    found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    return [f"{each['id']}: {', '.join(str(node['target'][0]) for node in each['nodes'][:5])}" for each in found]


def overflow(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
