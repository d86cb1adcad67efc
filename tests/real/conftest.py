"""Fixtures: the real authorization server, one per session, and a scripted browser and a home per test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.real.browser import Browser
from tests.real.server import AuthorizationServer, running
from vestal.home import Home


@pytest.fixture(scope="session")
def oidc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthorizationServer]:
    with running(tmp_path_factory.mktemp("oidc") / "log") as server:
        yield server


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as person:
        yield person


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path / "home", environ={})) as home:
        yield home
