from __future__ import annotations

from tests.daemon.routes.conftest import API, problem
from vestal.core.events import Kind
from vestal.daemon.dashboard.contents import TELLING, stream


async def test_rows_are_those_that_were_named_with_the_summary_of_all(api: API) -> None:
    api.add("bob")
    api.add("carol")

    text = (await api.socket.get("/dashboard/fragments/list?name=bob&name=nobody&state=idle")).text

    assert 'data-key="bob"' in text
    assert 'data-key="carol"' not in text
    assert "nobody" not in text
    assert "All 3 credentials are in order" in text
    assert 'href="/dashboard?state=idle" aria-current="true"' in text
    assert "<html" not in text


async def test_parts_of_a_credential_follow_what_happens(api: API) -> None:
    before = (await api.socket.get("/dashboard/fragments/credentials/alice")).text
    await api.house.refresh("alice")

    after = (await api.socket.get("/dashboard/fragments/credentials/alice")).text

    for part in ("head", "trouble", "time", "numbers", "chart", "history", "facts"):
        assert f'data-key="~{part}"' in before
        assert f'data-key="~{part}"' in after
    assert "version 0" in before
    assert "version 1" in after
    assert "somebody asked" in after
    assert '<g class="attempt good">' in after


async def test_the_timeline_is_told_in_stories(api: API) -> None:
    await api.house.refresh("alice")

    text = (await api.socket.get("/dashboard/fragments/timeline")).text

    assert text.count("<details") == 1
    assert "Version 1, somebody asked" in text


async def test_what_is_not_there_is_a_problem_for_the_script(api: API) -> None:
    problem(await api.socket.get("/dashboard/fragments/credentials/nobody"), 404, "CONFIG_ERROR")
    problem(await api.socket.get("/dashboard/fragments/logins/none"), 404, "CONFIG_ERROR")


def test_pages_listen_to_what_changes_them() -> None:
    assert stream() == {"events": "/dashboard/events", "kinds": " ".join(sorted(TELLING))}
    assert stream("a/b", every=True)["events"] == "/dashboard/events?credential=a%2Fb&every=1"
    assert stream(every=True)["kinds"].split() == sorted(Kind)
