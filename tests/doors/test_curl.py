from __future__ import annotations

from tests.doors.conftest import House, check
from tests.doors.guarded import Guarded
from tests.doors.programs import needs

pytestmark = needs("curl")


def test_curl_reads_the_token_from_stdin(house: House, guarded: Guarded) -> None:
    guarded.allowed = {f"Bearer {house.token}"}
    guarded.answers["/me"] = 200, {}, b"it is me"
    assert check(house.shell(f"vestal for curl acme | curl -fsS -K - {guarded.url}/me")) == "it is me"


def test_and_does_not_take_it_along_to_another_host(house: House, guarded: Guarded) -> None:
    guarded.allowed = {f"Bearer {house.token}"}
    with Guarded() as other:
        guarded.answers["/away"] = 302, {"Location": f"http://localhost:{other.host.rpartition(':')[2]}/"}, b""
        house.shell(f"vestal for curl acme | curl -sS -L -K - {guarded.url}/away")
        assert [authorization for _, authorization, _ in other.seen] == [""]
