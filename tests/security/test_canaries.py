"""Plant a canary in every secret, let everything happen at DEBUG, good and bad, and search everything for them."""

from __future__ import annotations

import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from vestal.core.credential import App
from vestal.core.errors import VestalError
from vestal.core.events import Event
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.testing.practice import PracticeServer, Settings

CLIENT_SECRET = "canary-client-secret-7f3a"


class Net:
    """Catches what gets out, and knows every secret that was about."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        self.secrets: set[str] = {CLIENT_SECRET}

    def saw(self, thing: object) -> None:
        """Something that people might print."""
        self.text.write(f"{thing!r}\n{thing}\n")

    def event(self, event: Event) -> None:
        self.saw(event)

    def error(self, error: BaseException) -> None:
        """An error, with the traceback that a crash reporter would write: every local variable of every frame of ours.

        The frames of this test hold the secrets that it planted, so they are left out.
        """
        self.saw(error)
        seen: BaseException | None = error
        while seen is not None:
            report = traceback.TracebackException.from_exception(seen, capture_locals=True)
            report.stack = traceback.StackSummary.from_list(
                [frame for frame in report.stack if frame.filename != __file__]
            )
            self.text.write("".join(report.format(chain=False)))
            seen = seen.__cause__ or seen.__context__

    def check(self) -> None:
        caught = self.text.getvalue()
        assert len(caught) > 1000, "the net was not in the water"
        found = sorted({secret[:12] for secret in self.secrets if secret in caught})
        assert not found, f"{found} of {len(self.secrets)} secrets got out"


@pytest.fixture
def net() -> Iterator[Net]:
    net = Net()
    handler = logging.StreamHandler(net.text)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield net
    root.removeHandler(handler)
    root.setLevel(level)


@contextmanager
def opened(folder: Path, net: Net) -> Iterator[Home]:
    home = Home(folder, listeners=[net.event])
    yield home
    remember(home, net)
    home.close()


def remember(home: Home, net: Net) -> None:
    """All secrets that the home holds now."""
    for credential in home.store.iterate():
        net.saw(credential)
        held = [credential.refresh_token, credential.app.client_secret, credential.app.private_key]
        held += [credential.token.access_token] if credential.token else []
        held += [*credential.secrets.values(), *(credential.intent.responses if credential.intent else ())]
        net.secrets |= {secret.reveal() for secret in held if secret is not None}
    for key in home.keys().ring():
        net.saw(key)
        net.secrets |= {key.bits.hex(), repr(key.bits)}
    net.secrets |= set((home.folder / "key").read_text().split())


FAULTS: list[tuple[str, dict[str, object]]] = [
    ("status", {"status": 500, "times": 9}),
    ("status", {"status": 400, "body": '{"error": "invalid_scope", "error_description": "no"}'}),
    ("rate_limit", {"retry_after": "99"}),
    ("cut_before", {"times": 2}),
    ("cut_after", {}),
    ("cut_middle", {}),
    ("garbage", {}),
    ("truncated", {"times": 2}),
    ("error_200", {}),
    ("empty_400", {}),
    ("content_type", {}),
    ("huge", {"times": 2}),
    ("redirect", {}),
]


@pytest.mark.parametrize(("kind", "options"), FAULTS)
@pytest.mark.parametrize("dpop", ["false", "true"])
def test_no_secret_gets_out(tmp_path: Path, net: Net, kind: str, options: dict[str, object], dpop: str) -> None:
    folder = tmp_path / "home"
    with PracticeServer(Settings()) as server, opened(folder, net) as home:
        server.add_client("canary", secret=CLIENT_SECRET)
        refresh_token = server.issue_refresh_token("canary")
        net.secrets.add(refresh_token)
        app = App(
            provider="custom",
            client_id="canary",
            client_secret=Secret(CLIENT_SECRET),
            settings={"token_url": f"{server.url}/token", "dpop": dpop, "client_auth": "post"},
        )
        net.saw(home.add("canary", app, Secret(refresh_token)))
        source = home.source("canary")
        if kind != "cut_after":
            net.saw(source.token())
            net.saw(source.token().headers("GET", server.url).keys())
        remember(home, net)
        server.faults.add("token", kind, **options)  # type: ignore[arg-type]
        try:
            net.saw(source.refresh())
        except VestalError as error:
            net.error(error)
        remember(home, net)
        server.faults.clear()
        for _ in range(2):
            try:
                net.saw(source.token(newer_than=1))
            except VestalError as error:
                net.error(error)
        remember(home, net)
    net.check()
    stored = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file() and file.name != "key")
    assert b"canary" in stored  # the name is there, and readable
    assert not [secret[:12] for secret in net.secrets if secret.encode() in stored]


def test_the_net_catches(net: Net) -> None:
    """The search would find a secret that did get out."""
    logging.getLogger("x").debug("%s", "x" * 1000 + CLIENT_SECRET)
    with pytest.raises(AssertionError, match="got out"):
        net.check()


def test_the_net_catches_local_variables(net: Net, tmp_path: Path) -> None:
    """A frame of a file other than this one that keeps a secret in a variable is caught."""
    code = compile("def f(s):\n    text = s.reveal()\n    raise ValueError(len(text) * 'x')\n", "elsewhere.py", "exec")
    space: dict[str, Callable[[Secret], None]] = {}
    exec(code, space)
    net.text.write("x" * 1000)
    try:
        space["f"](Secret(CLIENT_SECRET))
    except ValueError as error:
        net.error(error)
    with pytest.raises(AssertionError, match="got out"):
        net.check()


@pytest.mark.parametrize("dump", [repr, str, "{}".format, "{:>20}".format, json.dumps, pickle.dumps, vars, list])
def test_secrets_resist(dump: Callable[[object], object]) -> None:
    secret = Secret(CLIENT_SECRET)
    with suppress(TypeError):
        assert CLIENT_SECRET not in str(dump(secret))
