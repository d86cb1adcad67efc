"""A real daemon with its practice server, and a browser that looks at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.daemon.dashboard.browsing import FLAGS, Daemon, Visit
from tests.daemon.routes.conftest import api, practice
from vestal.testing.practice import PracticeServer

__all__ = ["api", "practice"]


@pytest.fixture(
    scope="module"
)  # not longer: its loop runs in this thread, and tests with loops of their own come after
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium here")
    expect.set_options(timeout=20_000)  # milliseconds: a crowded machine is no failure
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, practice: PracticeServer) -> Iterator[Daemon]:
    """`vestal serve` with credentials in several states."""
    folder: Path = tmp_path_factory.mktemp("daemon")
    with Daemon(folder, practice) as daemon:
        yield daemon


@pytest.fixture
def visit(browser: Browser, daemon: Daemon) -> Iterator[Visit]:
    """A browser that has opened the dashboard with a link. What it complains of fails the test."""
    with Visit(browser, daemon) as visit:
        yield visit


@pytest.fixture
def page(visit: Visit) -> Page:
    """Its page."""
    return visit.page
