from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.daemon.house import House
from vestal.daemon.proxy.places import FRESH, Places
from vestal.daemon.proxy.target import Base
from vestal.home import Home
from vestal.testing.clock import FakeClock


def nobody(request: Request) -> Response:
    raise AssertionError("nothing is sent")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    home = Home(tmp_path / "home", clock=FakeClock(), send=nobody)
    house = House(home)
    yield house
    house.close()
    home.close()


def add(house: House, name: str, provider: str = "custom", **settings: str) -> None:
    app = App(provider=provider, client_id="me", grant="client_credentials", settings=settings)
    house.home.add(name, app, over=True)


TOKEN_URL = "https://login.example/token"
HERE = (Base.of("https://here.example"),)


async def test_the_first_that_is_a_credential(house: House) -> None:
    for name in ("acme", "acme/bot"):
        add(house, name, token_url=TOKEN_URL, api_url=f"https://{name.replace('/', '.')}.example/")
    places = Places(house)
    assert await places.first(["acme/bot/x", "acme/bot", "acme"]) == (
        "acme/bot",
        (Base.of("https://acme.bot.example"),),
    )
    assert await places.first(["acme/x", "acme"]) == ("acme", (Base.of("https://acme.example"),))
    assert await places.first(["x"]) is None
    assert await places.first([]) is None


async def test_what_was_found_is_believed_for_a_moment(house: House) -> None:
    clock = house.home.clock
    assert isinstance(clock, FakeClock)
    places = Places(house)
    assert await places.first(["acme"]) is None
    add(house, "acme", token_url=TOKEN_URL, api_url="https://here.example")
    assert await places.first(["acme"]) is None
    clock.advance(FRESH)
    assert await places.first(["acme"]) == ("acme", HERE)
    add(house, "acme", token_url=TOKEN_URL, api_url="https://there.example")
    assert await places.first(["acme"]) == ("acme", HERE)
    clock.advance(FRESH)
    assert await places.first(["acme"]) == ("acme", (Base.of("https://there.example"),))


async def test_where_the_provider_says(house: House) -> None:
    add(house, "music", "spotify", api_url="")
    assert await Places(house).first(["music"]) == ("music", (Base.of("https://api.spotify.com"),))


async def test_the_setting_goes_first(house: House) -> None:
    add(house, "music", "spotify", api_url=" https://here.example/  http://127.0.0.1:8080/x ")
    found = await Places(house).first(["music"])
    assert found == ("music", (*HERE, Base("http", "127.0.0.1", 8080, "/x")))


async def test_a_token_for_github(house: House) -> None:
    app = App(provider="github_token", settings={"base_url": "https://github.acme.example"})
    house.home.add("bot", app, Secret("ghp_x"))
    found = await Places(house).first(["bot"])
    assert found is not None
    assert [base.origin + base.path for base in found[1]] == [
        "https://github.acme.example/api/v3",
        "https://github.acme.example/api/graphql",
        "https://github.acme.example/api/uploads",
    ]


async def test_a_service_that_names_none(house: House) -> None:
    add(house, "acme", token_url=TOKEN_URL)
    assert await Places(house).first(["acme"]) == ("acme", ())


@pytest.mark.parametrize(
    "url", ["http://api.example", "https://me@api.example", "https://api.example/?x", "api.example"]
)
async def test_an_address_that_gets_no_token(house: House, url: str) -> None:
    add(house, "acme", token_url=TOKEN_URL, api_url=url)
    with pytest.raises(ConfigError, match="address of the API") as refused:
        await Places(house).first(["acme"])
    assert refused.value.credential == "acme"
