from __future__ import annotations

import json
import signal
import stat
import subprocess
import time

from tests.cli.conftest import age
from tests.doors.conftest import House, check


def wait_for(done: object, process: subprocess.Popen[str]) -> None:
    assert callable(done)
    limit = time.monotonic() + 60
    while not done():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_file_is_kept_fresh_until_it_is_stopped(house: House) -> None:
    house.server.settings.access_token_lifetime = 6  # due a second before its end
    file = house.folder / "token"
    process = house.cli.start("sink", "acme", str(file))
    try:
        wait_for(file.exists, process)
        first, inode = file.read_text(), file.stat().st_ino
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        wait_for(lambda: file.read_text() != first, process)
        assert file.stat().st_ino != inode  # replaced, not written over
        file.unlink()
        wait_for(file.exists, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
    assert [each.name for each in house.folder.iterdir() if each.name.startswith(".token")] == []


def test_what_fails_is_told_once_and_the_file_stays(house: House) -> None:
    file = house.folder / "token"
    check(house.run("vestal", "sink", "acme", str(file), "--once"))
    first = file.read_text()
    age(house.cli, "acme", 3600)
    house.server.faults.add("token", "status", times=None)
    process = house.cli.start("sink", "acme", str(file))
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("vestal: acme: ")
        assert file.read_text() == first
        house.server.faults.clear()
        wait_for(lambda: file.read_text() != first, process)
    finally:
        process.kill()
        process.communicate()


def test_the_formats(house: House) -> None:
    def written(form: str) -> str:
        check(house.run("vestal", "sink", "acme", "file", "--once", "--format", form))
        return (house.folder / "file").read_text()

    assert written("token") == house.token
    told = json.loads(written("json"))
    assert (told["access_token"], told["token_type"], told["version"]) == (house.token, "Bearer", 1)
    written("env")
    assert check(house.shell('. ./file; echo "$ACME_TOKEN"')) == f"{house.token}\n"
    [resource] = json.loads(written("envoy-sds"))["resources"]
    assert resource == {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": "acme",
        "generic_secret": {"secret": {"inline_string": f"Bearer {house.token}"}},
    }


def test_what_can_t_be_written(house: House) -> None:
    house.cli("sink", "acme", str(house.folder / "nowhere" / "file")).fails(2, "can't be a file")
    house.cli("sink", "nobody", str(house.folder / "file")).fails(2, "no credential of that name")
