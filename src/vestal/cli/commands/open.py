"""`vestal open`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import json_option
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from pathlib import Path

    from vestal.home import Home


@click.command("open", short_help="Open the dashboard in your browser.")
@click.option("--no-browser", is_flag=True, help="Open no browser, only print the link.")
@json_option
def command(no_browser: bool, as_json: bool) -> None:
    """Open the dashboard of the running daemon, by a link that works once, within five minutes.

    The link is printed as well, for another browser on this machine. From elsewhere: ssh -L 8378:127.0.0.1:8378 HOST.
    """
    from vestal.cli.browser import may_have_one_here, open_file
    from vestal.cli.daemon import check_reachable
    from vestal.cli.output import note, write_json

    home = open_home()
    check_reachable(home.folder)
    link = _link(home)
    if as_json:
        write_json(link)
        return
    print(link["url"], flush=True)
    if not no_browser and may_have_one_here() and open_file(_page(home, link["url"])):
        note("your browser opens it")


def _link(home: Home) -> dict[str, str]:
    """What the daemon answers. Raises `VestalError`."""
    import json

    from vestal.client.address import Address
    from vestal.client.asking import check_answer
    from vestal.client.exchange import exchange
    from vestal.core.errors import ConfigError
    from vestal.daemon.process.pid_file import PidFile

    running = PidFile(home.folder).running()
    if running is None:
        raise ConfigError("no daemon runs", remedy="start one that a browser can reach: `vestal start --tcp`")
    answer = exchange(Address(path=running.socket), "POST", "/v1/sessions", deadline=15.0)
    if answer.status != 201:
        check_answer(answer, "")
    link: dict[str, str] = json.loads(answer.body.reveal())
    return link


def _page(home: Home, url: str) -> Path:
    """A file of ours that leads on to the link: what a browser is started with, every user of the machine can see."""
    from html import escape

    from vestal.stores.files import make_private_folder, write_private

    folder = home.folder / "run"
    make_private_folder(folder)
    path = folder / "open.html"
    write_private(
        path,
        '<!doctype html><meta charset="utf-8"><title>Vestal</title>'
        f'<meta http-equiv="refresh" content="0; url={escape(url)}"><a href="{escape(url)}">To the dashboard</a>\n',
    )
    return path
