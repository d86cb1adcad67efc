from __future__ import annotations

import re

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.daemon.dashboard.browsing import MANY, Daemon, Visit, live


def row(page: Page, name: str) -> str:
    return f'[data-key="{name}"]'


def test_a_refresh_done_elsewhere_is_seen_without_a_reload(page: Page, daemon: Daemon) -> None:
    page.goto("/dashboard?q=alice")
    live(page)
    page.evaluate("window.same = true")
    ends = page.locator(f"{row(page, 'alice')} progress")
    before = ends.get_attribute("data-ends")

    daemon.ask("POST", "/v1/credentials/alice/refresh")

    expect(ends).not_to_have_attribute("data-ends", before or "")
    expect(page.locator(row(page, "alice"))).to_contain_text("somebody asked")
    assert page.evaluate("window.same"), "it was loaded again"
    expect(page.locator("#said")).to_be_empty()  # nothing that a listener had to know


def test_that_a_person_is_needed_is_told_to_those_who_listen_and_in_the_title(page: Page, daemon: Daemon) -> None:
    token = daemon.ask("POST", "/v1/credentials/team/bob/token")["access_token"]
    page.goto("/dashboard?q=team")
    live(page)
    before = page.title()
    daemon.practice.revoke_family(token)

    assert daemon.status("POST", "/v1/credentials/team/bob/refresh") == 409

    expect(page.locator("#said")).to_have_text("team/bob: Needs login")
    expect(page.locator(row(page, "team/bob"))).to_contain_text("after a login")
    expect(page).not_to_have_title(before)
    expect(page).to_have_title(re.compile(r"^\(\d+\) Credentials"))


def test_a_credentials_page_follows_its_refreshes(page: Page, daemon: Daemon) -> None:
    page.goto("/dashboard/credentials/alice")
    live(page)
    before = daemon.ask("GET", "/v1/credentials/alice")["version"]
    page.locator("#refresh").focus()

    daemon.ask("POST", "/v1/credentials/alice/refresh")

    version = page.locator(".numbers dd").first
    expect(version).to_contain_text(re.compile(rf"^{before + 1}"))
    expect(page.locator("svg.chart .attempt.good")).not_to_have_count(0)
    expect(page.locator("#refresh")).to_be_focused()  # what was put in place took nothing away


def test_the_timeline_grows_and_what_is_open_stays_open(page: Page, daemon: Daemon) -> None:
    daemon.ask("POST", "/v1/credentials/alice/refresh")
    page.goto("/dashboard/timeline?credential=alice")
    live(page)
    page.locator("summary").first.click()
    opened = page.locator("details[open]").get_attribute("id")
    stories = page.locator(".timeline > li").count()

    daemon.ask("POST", "/v1/credentials/alice/refresh")

    expect(page.locator(".timeline > li")).to_have_count(stories + 1)
    expect(page.locator(f"#{opened}[open]")).to_be_visible()
    expect(page.locator(".timeline > li").first).to_contain_text("Refreshed")


def test_bars_shrink_by_the_servers_clock(page: Page) -> None:
    page.clock.install()
    page.goto("/dashboard?q=alice")
    bar = page.locator(f"{row(page, 'alice')} progress")
    before = float(bar.evaluate("bar => bar.value"))

    page.clock.run_for(3000)

    after = float(bar.evaluate("bar => bar.value"))
    assert before - 8 < after < before - 1


def test_refresh_now_says_what_has_become_of_it_once(page: Page) -> None:
    page.goto("/dashboard/credentials/alice")

    page.get_by_role("button", name="Refresh now").click()

    expect(page.get_by_role("status").filter(has_text="Refreshed")).to_contain_text("The token is version")
    expect(page).to_have_url(re.compile(r"/alice$"))
    page.reload()
    expect(page.locator(".notice")).to_have_count(0)


def test_what_was_said_of_one_token_goes_with_the_next(page: Page, daemon: Daemon) -> None:
    page.goto("/dashboard/credentials/alice")
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator(".notice")).to_contain_text("The token is version")
    live(page)

    daemon.ask("POST", "/v1/credentials/alice/refresh")

    expect(page.locator(".notice")).to_have_count(0)


def test_a_refresh_that_fails_says_why_and_what_to_do(visit: Visit) -> None:
    page = visit.page
    page.goto("/dashboard/credentials/broken")

    with page.expect_response("**/refresh") as answer:
        page.get_by_role("button", name="Refresh now").click()

    assert answer.value.status == 409
    expect(page.get_by_role("alert")).to_contain_text("This refresh did not work")
    expect(page.locator("main")).to_contain_text("vestal login broken")
    visit.expected("409")


def test_the_login_button_leads_through_the_service_to_a_fresh_token(page: Page, daemon: Daemon) -> None:
    page.goto("/dashboard/credentials/broken")
    expect(page.locator("main")).to_contain_text("Needs login")

    page.get_by_role("button", name="Log in").first.click()
    page.wait_for_url(f"{daemon.practice.url}/**")
    page.get_by_role("button", name="Allow").click()

    expect(page.locator("body")).to_contain_text(re.compile("logged in", re.IGNORECASE))
    page.goto("/dashboard/credentials/broken")
    expect(page.locator(".head")).to_contain_text("Valid")
    assert daemon.ask("GET", "/v1/credentials/broken")["state"] == "idle"


def test_the_page_of_a_login_tells_when_it_is_done(page: Page, daemon: Daemon) -> None:
    page.goto("/dashboard/credentials/newcomer")
    page.get_by_role("button", name="Log in").first.click()
    page.wait_for_url("**/dashboard/logins/*")
    here = page.url.partition("?")[0]
    page.wait_for_url(f"{daemon.practice.url}/**")
    other = page.context.new_page()
    other.goto(here)
    live(other)
    expect(other.locator("h1")).to_contain_text("Log in at")
    assert Axe().run(other).violations_count == 0

    page.get_by_role("button", name="Allow").click()

    expect(other.locator("h1")).to_have_text("Logged in")
    other.get_by_role("link", name="Back to newcomer").click()
    expect(other.locator(".head")).to_contain_text("Valid")


def test_a_login_with_a_code_on_another_device(page: Page, daemon: Daemon) -> None:
    page.goto("/dashboard/credentials/alice")
    page.get_by_role("button", name="Log in with a code").click()
    code = page.locator(".code").inner_text()
    live(page)
    expect(page.get_by_role("link", name=f"{daemon.practice.url}/device", exact=True)).to_be_visible()
    assert Axe().run(page).violations_count == 0

    daemon.practice.decide_device(code)

    expect(page.locator("h1")).to_have_text("Logged in", timeout=30_000)


def test_search_filter_and_paging(page: Page) -> None:
    page.goto("/dashboard")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Next").click()
    expect(page.locator("tbody tr").last).to_contain_text("bob")
    page.get_by_role("link", name="To the beginning").click()

    page.keyboard.press("/")
    page.keyboard.type("MANY/00")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(10)
    expect(page.locator(".pages")).to_contain_text("10 of")

    page.get_by_label("Token").select_option("valid")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("main")).to_contain_text("Nothing matches")
    page.get_by_role("link", name="Show all").first.click()
    page.get_by_role("link", name=re.compile("^In order")).click()
    expect(page.get_by_role("link", name=re.compile("^In order"))).to_have_attribute("aria-current", "true")
    assert page.locator("tbody tr").count() <= MANY
    expect(page.locator("tbody")).not_to_contain_text("Needs login")


def test_the_keyboard_is_enough(page: Page) -> None:
    page.goto("/dashboard?q=alice")
    live(page)
    names = []
    for _ in range(14):
        page.keyboard.press("Tab")
        names.append(page.evaluate("(document.activeElement.textContent || document.activeElement.name || '').trim()"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", f"it can't be seen that {names[-1]} has the focus"

    assert names[:4] == ["Skip to the content", "Vestal", "Credentials", "Timeline"]
    assert names.index("Log out") < names.index("q") < names.index("Search") < names.index("alice")
    page.goto("/dashboard/credentials/alice")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_light_and_dark_by_the_system_and_by_choice(page: Page) -> None:
    def ground() -> str:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    page.emulate_media(color_scheme="light")
    page.goto("/dashboard?q=alice")
    light, picture = ground(), page.screenshot()
    page.emulate_media(color_scheme="dark")
    dark = ground()

    assert light != dark
    assert picture != page.screenshot()
    page.get_by_role("button", name="Light or dark").click()
    assert ground() == light
    page.reload()
    assert ground() == light
    page.get_by_role("button", name="Light or dark").click()
    assert ground() == dark


def test_without_script_it_works_on_a_reload(browser: Browser, daemon: Daemon) -> None:
    with Visit(browser, daemon, java_script_enabled=False) as visit:
        page = visit.page
        page.goto("/dashboard/credentials/alice")

        page.get_by_role("button", name="Refresh now").click()

        expect(page.locator(".notice")).to_contain_text("Refreshed")
        page.get_by_role("link", name="Timeline", exact=True).click()
        # another credential may have become due meanwhile
        expect(page.locator(".timeline > li", has_text="alice").first).to_contain_text("Refreshed")
        expect(page.locator("#live")).to_be_hidden()


def test_log_out_locks_the_door_and_it_is_a_page_for_everybody(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("button", name="Log out").click()

    expect(page.locator("h1")).to_have_text("The dashboard is locked")
    expect(page.locator("main")).to_contain_text("vestal open")
    assert Axe().run(page).violations_count == 0
    visit.expected("401")


def test_a_session_that_ends_elsewhere_shows_the_door(visit: Visit) -> None:
    page = visit.page
    live(page)
    page.context.clear_cookies()

    visit.daemon.ask("POST", "/v1/credentials/alice/refresh")

    expect(page.locator("h1")).to_have_text("The dashboard is locked")
    visit.expected("401")


def test_what_nobody_answers_for_is_shown_as_old(visit: Visit) -> None:
    page = visit.page
    live(page)
    expect(page.locator("html.stale")).to_have_count(0)
    page.route("**/dashboard/events*", lambda route: route.abort())

    page.goto("/dashboard?q=alice")

    expect(page.locator("html.stale #live")).to_have_text("Reconnecting…")
    page.unroute("**/dashboard/events*")
    live(page)
    expect(page.locator("html.stale")).to_have_count(0)
    visit.expected("ERR_FAILED")


def test_a_page_that_nobody_looks_at_lets_go_and_catches_up(page: Page, daemon: Daemon) -> None:
    page.goto("/dashboard?q=alice")
    live(page)
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    expect(page.locator("#live")).to_have_text("Paused")
    ends = page.locator(f"{row(page, 'alice')} progress")
    before = ends.get_attribute("data-ends") or ""

    daemon.ask("POST", "/v1/credentials/alice/refresh")
    page.evaluate(hide, False)

    expect(ends).not_to_have_attribute("data-ends", before)
