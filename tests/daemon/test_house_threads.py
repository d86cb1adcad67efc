"""The threads of a house: nobody keeps all of them busy."""

from __future__ import annotations

import asyncio
import threading

from tests.daemon.routes.conftest import API, api, practice

__all__ = ["api", "practice"]

PATH = "/v1/credentials/alice/token"


async def test_who_has_a_key_waits_for_no_store(api: API) -> None:
    """Readers of the store hang; the token is at hand, and the key is in another file."""
    client = api.key("token")
    await client.post(PATH)
    api.house.access.add("another", ["*"], ["token"])  # so that the keys are read again
    go_on = threading.Event()
    busy = [asyncio.create_task(api.house.read(go_on.wait)) for _ in range(api.house.limits.readers)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(10):
            assert (await client.post(PATH)).status_code == 200
    finally:
        go_on.set()
        await asyncio.gather(*busy)


async def test_those_who_ask_for_a_refresh_at_once_share_it(api: API) -> None:
    """However many they are: one redemption, and one thread, so that other credentials find one as well."""
    api.add("bob")
    await api.house.token("bob")
    before = api.server.counters["redemptions"]
    api.server.faults.add("token", "hang_before")
    asking = [asyncio.create_task(api.house.refresh("alice")) for _ in range(3 * api.house.limits.refreshes)]
    await asyncio.to_thread(api.server.held)
    async with asyncio.timeout(10):
        assert (await api.house.refresh("bob")).version == 2
    api.server.faults.release()
    assert len({(await each).access_token for each in asking}) == 1
    assert api.server.counters["redemptions"] == before + 2
