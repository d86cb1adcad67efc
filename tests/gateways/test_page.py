"""The page shows the files that are shipped, as they are, and says of them what is so."""

from __future__ import annotations

import re

import pytest

from tests.docs.session import ROOT, blocks
from tests.gateways.gateways import FILES

PAGE = "docs/how-to/put-it-behind-a-gateway.md"


@pytest.mark.parametrize("name", sorted(file.name for file in FILES.iterdir()))
def test_a_file_is_shown_as_it_is(name: str) -> None:
    assert [block.text for block in blocks(PAGE)].count((FILES / name).read_text()) == 1


def test_nothing_else_is_shown_as_a_configuration() -> None:
    shown = [block.text for block in blocks(PAGE) if block.language != "sh"]
    assert sorted(shown) == sorted(file.read_text() for file in FILES.iterdir())


def test_its_links_lead_somewhere() -> None:
    page = ROOT / PAGE
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
