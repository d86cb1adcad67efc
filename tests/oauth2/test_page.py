from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.oauth2.page import Link, Page, headers


class Reader(HTMLParser):
    """What a page says, and of which elements and attributes it is made."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page.html().decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


GOOD = Page("You are logged in", "All is well.", ok=True)
BAD = Page("It failed", "The service said no.", ok=False, remedy="Ask again.")


def test_it_says_what_it_is_told() -> None:
    good, bad = Reader(GOOD), Reader(BAD)
    assert "You are logged in" in good.text
    assert "All is well." in good.text
    assert "You can close this window." in good.text
    assert "What to do" not in good.text
    assert ("role", "status") in good.attributes
    assert "The service said no." in bad.text
    assert "Ask again." in bad.text
    assert "close this window" not in bad.text
    assert ("role", "alert") in bad.attributes


@given(title=st.text(), text=st.text(), remedy=st.text(min_size=1))
def test_a_services_text_is_only_ever_text(title: str, text: str, remedy: str) -> None:
    attack = '"><script>alert(1)</script><img src=x onerror=a> $title ${text}'
    read = Reader(Page(title + attack, text + attack, ok=False, remedy=remedy + attack))
    assert read.tags == Reader(BAD).tags
    assert [name for name, _ in read.attributes] == [name for name, _ in Reader(BAD).attributes]
    assert read.text.count("<script>alert(1)</script>") == 4  # title twice, text, remedy
    assert read.text.count("${text}") == 4


@pytest.mark.parametrize("page", [GOOD, BAD])
def test_it_stands_alone(page: Page) -> None:
    read = Reader(page)
    assert "script" not in read.tags
    assert not [name for name, _ in read.attributes if name == "style" or name.startswith("on")]
    assert all((value or "").startswith("data:") for name, value in read.attributes if name in ("href", "src"))
    assert "url(" not in page.html().decode()
    assert "@import" not in page.html().decode()


def test_the_policy_allows_the_pages_own_style_and_nothing_else() -> None:
    style = re.search(r"<style>(.*)</style>", GOOD.html().decode(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = dict(part.split(" ", 1) for part in headers()["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert BAD.html().decode().count(style[1]) == 1  # the same for every page


def test_lone_surrogates_do_not_break_it() -> None:
    assert Page("a\ud800b", "c", ok=True).html()


LINK = Link("http://127.0.0.1:8378/dashboard/credentials/a?b&c", 'Back to "the" <dashboard>')


def test_a_page_that_leads_on() -> None:
    good, bad = (Page("Title", "Text", ok=ok, link=LINK) for ok in (True, False))
    for page in (good, bad):
        read = Reader(page)
        assert ("href", LINK.address) in read.attributes
        assert LINK.text in read.text
        assert "terminal" not in read.text
    assert good.headers() == {**headers(), "Refresh": f"2; url={LINK.address}"}
    assert bad.headers() == GOOD.headers() == headers()  # what failed is read first


def test_who_else_has_the_details() -> None:
    assert "The dashboard has the details." in Reader(Page("It failed", "", ok=False, where="the dashboard")).text
