"""Every page, as everybody has it in front of them."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.daemon.dashboard.browsing import LONG, Daemon, live

PAGES = {
    "list": "/dashboard",
    "narrowed": "/dashboard?q=team",
    "nothing": "/dashboard?q=nobody-has-this-name",
    "timeline": "/dashboard/timeline",
    "credential": "/dashboard/credentials/alice",
    "broken": "/dashboard/credentials/broken",
    "long": f"/dashboard/credentials/{LONG}",
    "newcomer": "/dashboard/credentials/newcomer",
}
EVERY_PAGE = pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())


@EVERY_PAGE
def test_every_page_is_there_and_live_without_a_complaint(page: Page, path: str) -> None:
    answer = page.goto(path)

    assert answer is not None
    assert answer.status == 200
    live(page)
    expect(page.locator("h1")).to_have_count(1)


@EVERY_PAGE
@pytest.mark.parametrize("width", [1280, 375], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(page: Page, path: str, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.goto(path)
    live(page)

    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), "it scrolls sideways"


@pytest.mark.parametrize(
    ("path", "places", "text"),
    [
        ("/dashboard/timeline", "details summary, .steps li > span:last-child", "https://" + "x" * 99),
        ("/dashboard/credentials/alice", ".history td:first-child", "22 h 26 min ago"),
    ],
    ids=["timeline", "credential"],
)
def test_the_narrowest_page_holds_what_may_stand_there(
    page: Page, daemon: Daemon, path: str, places: str, text: str
) -> None:
    """320 pixels: as wide as a usual page at four times the size (WCAG 2.2, 1.4.10)."""
    daemon.ask("POST", "/v1/credentials/alice/refresh")
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(path)
    live(page)
    changed = page.evaluate(
        """([places, text]) => {
            for (const details of document.querySelectorAll("details")) details.open = true;
            return [...document.querySelectorAll(places)].map((place) => (place.textContent = text)).length;
        }""",
        [places, text],
    )

    assert changed >= 1
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), "it scrolls sideways"
