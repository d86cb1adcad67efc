"""However a command ends: signals, defects, verbosity."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time

import click
import pytest

from tests.cli.conftest import CLI, add
from vestal.cli import failure
from vestal.core import errors
from vestal.testing.practice import PracticeServer


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.NeedsLogin("x"), 3),
        (errors.RateLimited("x"), 4),
        (errors.TimedOut("x"), 4),
        (errors.NetworkError("x"), 4),
        (errors.ServiceError("x"), 4),
        (errors.StoreUnavailable("x"), 4),
        (errors.CircuitOpen("x"), 4),
        (errors.Conflict("x"), 4),
        (errors.AuthFailed("x"), 5),
        (errors.PermissionDenied("x"), 5),
        (errors.NotInstalled("x"), 5),
        (errors.Unprocessable("x"), 5),
        (errors.HTTPError("x"), 5),
        (errors.UnexpectedError("x"), 1),
        (errors.VestalError("x"), 1),
    ],
)
def test_every_kind_of_error_has_its_exit_code(error: errors.VestalError, code: int) -> None:
    assert failure.exit_code(error) == code
    assert code in failure.EXIT_CODES


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    error = errors.HTTPError("bad\nnews \x1b[31mred\x1b[0m\r\x07", remedy="mend\u2028it", credential="alice")
    assert failure.as_line(error) == "vestal: alice: bad news [31mred [0m (mend it)"


def test_a_defect_shows_its_place_and_not_its_text() -> None:
    secret = "canary-1"

    def defect() -> None:
        raise KeyError(secret)

    with pytest.raises(KeyError) as caught:
        defect()
    line = failure.as_line(failure.of_defect(caught.value))
    assert line.startswith("vestal: KeyError")
    assert "VESTAL_DEBUG=1" in line
    assert secret not in line


def test_what_this_user_may_not_use_is_no_defect(cli: CLI) -> None:
    """Root may use everything, so the refusal is raised in the place of a real one."""
    program = (
        "import sys\nimport vestal.operations.overview as o\n"
        "def closed(home): raise PermissionError(13, 'Permission denied', '/home/theirs')\n"
        "o.look_at_all = closed\nfrom vestal.cli.run import run\nsys.exit(run(['list']))"
    )
    run = subprocess.run([sys.executable, "-c", program], env=cli.environment, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr == "vestal: /home/theirs: Permission denied (check whose it is, and who may use it)\n"


def test_a_defect_in_a_command(cli: CLI) -> None:
    """What nobody foresaw, in a real process: the store's folder vanishes from under the interpreter's feet."""
    program = (
        "import sys\nimport vestal.operations.overview as o\n"
        "def broken(home): raise ZeroDivisionError('canary-2')\n"
        "o.look_at_all = broken\nfrom vestal.cli.run import run\nsys.exit(run(['list']))"
    )
    for debug in ("0", "1"):
        environment = {**cli.environment, "VESTAL_DEBUG": debug}
        run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert run.returncode == 1
        last = run.stderr.splitlines()[-1]
        assert last.startswith("vestal: ZeroDivisionError in vestal.cli.")
        assert ("Traceback" in run.stderr) is (debug == "1")
        assert ("canary-2" in run.stderr) is (debug == "1")


def test_usage_errors_repeat_no_values() -> None:
    told = failure.of_usage(click.UsageError("Got unexpected extra arguments (hunter2 hunter3)."))
    assert told.message == "got unexpected extra arguments"


def test_ctrl_c_during_a_refresh_lets_it_finish(cli: CLI, server: PracticeServer) -> None:
    refresh_token = add(cli, server)
    server.faults.add("token", "hang_after")
    with cli.start("token", "alice") as process:
        server.held()
        assert cli("show", "alice", "--json").json["state"] == "refreshing"
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline() == "\n"  # behind the terminal's ^C
        assert "finishing the refresh under way" in process.stderr.readline()
        server.faults.release()
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "")
    shown = cli("show", "alice", "--json").json
    assert (shown["state"], shown["version"]) == ("idle", 1)
    assert server.counters.redeemed(refresh_token) == 1


def test_ctrl_c_twice_leaves_the_refresh_to_the_next(cli: CLI, server: PracticeServer) -> None:
    server.settings.reuse_grace = 60
    add(cli, server)
    server.faults.add("token", "hang_after")
    with cli.start("token", "alice") as process:
        server.held()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.communicate() == ("", "")
    assert process.returncode == 130
    shown = cli("show", "alice", "--json").json
    assert shown["intent"] is not None, shown
    assert (shown["state"], shown["interrupted"], shown["intent"]["answered"]) == ("error", True, False)
    doctor = cli("doctor", "--json").json
    assert [each["level"] for each in doctor["findings"] if each["check"] == "alice"] == ["warning"]
    assert cli("token", "alice").code == 0
    assert cli("show", "alice", "--json").json["history"][-1]["what"] == "recovery"


def test_verbose(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    quiet, loud = cli("-v", "refresh", "alice"), cli("-vv", "refresh", "alice")
    assert quiet.out.startswith("alice: token 1, ")
    assert "INFO    alice refreshed version=1" in quiet.err
    assert "intent_saved" not in quiet.err
    assert "DEBUG   alice intent_saved fingerprint=" in loud.err


def test_errors_as_json_only_where_it_was_asked_of_us(cli: CLI, server: PracticeServer) -> None:
    told = cli("show", "nobody", "--json")
    error = json.loads(told.err)
    assert told.code == 2
    assert error["credential"] == "nobody"
    told = cli("token", "--json")
    assert (told.code, json.loads(told.err)["category"]) == (2, "CONFIG_ERROR")
    cli("exec", "nobody", "--", "true", "--json").fails(2, "nobody: ")


def test_an_interrupted_refresh_is_finished_even_if_the_token_is_good(cli: CLI, server: PracticeServer) -> None:
    server.settings.reuse_grace = 60
    add(cli, server)
    first = cli("token", "alice").out
    server.faults.add("token", "hang_after")
    with cli.start("refresh", "alice") as process:
        server.held()
        process.kill()
        process.communicate()
    assert cli("show", "alice", "--json").json["interrupted"] is True
    assert cli("token", "alice").out == first
    shown = cli("show", "alice", "--json").json
    assert (shown["state"], shown["version"], shown["history"][-1]["what"]) == ("idle", 2, "recovery")
    assert server.counters["reuse_detected"] == 0


def test_closed_streams_and_small_alphabets(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    vestal = " ".join(cli.command())
    run = subprocess.run(
        ["sh", "-c", f"{vestal} token alice >&- && {vestal} token alice <&- && {vestal} show nobody 2>&-; echo $?"],
        env=cli.environment,
        capture_output=True,
        text=True,
    )
    assert re.fullmatch(r"[\w-]{43}\n2\n", run.stdout)
    assert run.stderr == ""
    (cli.folder / "providers.toml").write_text(
        '[acme]\ntitle = "Äcme ✓"\ntoken_endpoint = "https://acme.example/token"\n'
    )
    told = cli("providers", "acme", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (told.code, told.err) == (0, "")
    assert "\\xc4cme \\u2713" in told.out


def test_ctrl_c_behind_the_output_is_quiet_too(cli: CLI, server: PracticeServer) -> None:
    """The token is there, and a refresh that it found interrupted is being finished."""
    server.settings.reuse_grace = 60
    add(cli, server)
    first = cli("token", "alice").out
    server.faults.add("token", "hang_after", times=2)
    with cli.start("refresh", "alice") as process:
        server.held()
        process.kill()
        process.communicate()
    while server.counters["held"]:  # until the server has noticed that its client is gone
        time.sleep(0.01)
    with cli.start("token", "alice") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == first
        server.held()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline() == "\n"
        assert "finishing the refresh" in process.stderr.readline()
        server.faults.release()
        assert process.communicate() == ("", "")
    assert process.returncode == 130
    assert cli("show", "alice", "--json").json["state"] == "idle"
