"""Where providers come from: the services that Vestal brings itself. Those of other packages: `test_home`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.provider_table import BUILT_IN
from vestal.stores.files import make_private_folder


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home", environ={})
    yield home
    home.close()


def test_the_home_is_there_without_the_services() -> None:
    """They are imported when one is used: `vestal token` must not wait for them."""
    code = "import sys, vestal.home; print([name for name in sys.modules if name.startswith('vestal.services')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_service(home: Home, name: str) -> None:
    provider = home.plugged_in(name)
    assert provider is not None
    assert provider.name == name
    assert home.plugged_in(name) is provider
    assert home.provider_of(Credential(name="a", app=App(provider=name))) is provider
    with pytest.raises(ConfigError) as caught:
        home.provider_for(App(provider=name))
    assert "login" in caught.value.message
    with pytest.raises(ConfigError) as caught:
        home.add("a", App(provider=name))
    assert "add-app" in caught.value.remedy or "--refresh-token-file" in caught.value.remedy
    assert home.store.names() == []


def test_a_file_of_ones_own_goes_before_a_built_in_service(home: Home) -> None:
    make_private_folder(home.folder)
    (home.folder / "providers.toml").write_text(
        '[github_app]\ntitle = "Mine"\ntoken_endpoint = "https://mine.example/token"\ngrants = ["client_credentials"]\n'
    )
    assert home.plugged_in("github_app") is None
    assert home.provider_for(App(provider="github_app")).title == "Mine"


def test_a_token_is_kept_when_its_credential_is_added_again(home: Home) -> None:
    pat = App(provider="github_token")
    home.add("pat", pat, Secret("ghp_1"))
    again = home.add("pat", replace(pat, settings={"base_url": "https://ghe.example"}), over=True)
    assert again.refresh_token == Secret("ghp_1")
