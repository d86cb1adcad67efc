"""What there is to proxy to: which names are credentials, and where their services' APIs are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias

from vestal.core.errors import ConfigError
from vestal.daemon.house import House
from vestal.daemon.proxy.target import Base
from vestal.home import Home
from vestal.oauth2.settings import api_urls

FRESH = 1.0
"""Seconds for which what was found is believed: so long, at most, an address that another process took away still counts."""

MOST = 10_000
"""Names remembered."""

Found: TypeAlias = tuple[Base, ...] | ConfigError | None
"""The bases of a credential, what is wrong with its settings, or None where there is no such credential."""


class Places:
    """Those of one home. For the event loop's thread."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._remembered: OrderedDict[str, tuple[float, Found]] = OrderedDict()

    async def first(self, names: Sequence[str]) -> tuple[str, tuple[Base, ...]] | None:
        """The first of these names that is a credential, and its bases, the usual one first. Raises `VestalError`."""
        now = self._house.home.clock.steady()
        known = {name: self._remembered.get(name) for name in names}
        wanted = [name for name, found in known.items() if found is None or now >= found[0]]
        if wanted:
            looked = await self._house.read(lambda: [look(self._house.home, name) for name in wanted])
            known |= {name: (now + FRESH, found) for name, found in zip(wanted, looked, strict=True)}
            self._remember({name: known[name] for name in wanted})
        for name in names:
            found = known[name]
            assert found is not None
            if isinstance(found[1], ConfigError):
                raise found[1].copy()
            if found[1] is not None:
                return name, found[1]
        return None

    def _remember(self, looked: dict[str, tuple[float, Found] | None]) -> None:
        for name, found in looked.items():
            if found is not None:
                self._remembered[name] = found
                self._remembered.move_to_end(name)
        while len(self._remembered) > MOST:
            self._remembered.popitem(last=False)


def look(home: Home, name: str) -> Found:
    """What the store and the provider say of one name. The setting `api_url` goes before what the provider knows.

    Raises `StoreUnavailable`.
    """
    try:
        if home.store.load(name) is None:
            return None
        credential = home.lifecycle.load(name)
        urls = api_urls(credential.app)
        if not urls:
            provider = home.provider_of(credential)
            apis = getattr(provider, "apis", None)
            urls = () if apis is None else apis(credential)
        return tuple(Base.of(url) for url in urls)
    except ConfigError as error:
        wrong = error.copy()
    wrong.credential = name
    return wrong
