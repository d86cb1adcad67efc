"""Fixtures: a stub of GitHub per test, and GitHub's description of itself once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.github.openapi import Description
from tests.github.stub.server import Stub
from tests.node import install

NODE_FOLDER = Path(__file__).parent / "node"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(pulls=50) as stub:
        yield stub


@pytest.fixture
def http(stub: Stub) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=stub.url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def description() -> Description:
    install(NODE_FOLDER)
    return Description()
