"""`vestal login`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import duration, json_option, name_argument
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from vestal.oauth2.login import LoginPrompt


@click.command("login", short_help="Log in, as a person, once.")
@name_argument
@click.option("--device", is_flag=True, help="Log in on any other machine, with a short code, if the service has that.")
@click.option("--no-browser", is_flag=True, help="Open no browser, only print the address.")
@click.option(
    "--wait", "limit", type=duration, default="5m", metavar="DURATION", help="How long to wait for you. Default: 5m."
)
@json_option
def command(name: str, device: bool, no_browser: bool, limit: float, as_json: bool) -> None:
    """Log in, as a person, once: after that the token is kept alive without you.

    Your browser shows the service's own page, and brings its answer back to 127.0.0.1 on this machine. The address that is
    printed is good for this login only. With --json it is printed as one line of JSON on stderr.
    """
    from vestal.cli.browser import open_browser
    from vestal.cli.output import say, write_json
    from vestal.operations.ask import tell_daemon
    from vestal.operations.login import log_in
    from vestal.operations.show_token import as_values, as_words

    def tell(prompt: LoginPrompt) -> None:
        print(_as_json(prompt) if as_json else _in_words(prompt, opens=not no_browser), file=sys.stderr, flush=True)

    home = open_home()
    credential = log_in(
        home,
        name,
        device=device,
        open_browser=_no_browser if no_browser else open_browser,
        tell=tell,
        limit=limit,
    )
    tell_daemon(home, name)
    assert credential.token is not None
    now = home.clock.now()
    if as_json:
        write_json({"name": name, **as_values(credential.token, now)})
    else:
        say(f"{name}: logged in; {as_words(credential.token, now)}")


def _no_browser(address: str) -> bool:
    return False


def _as_json(prompt: LoginPrompt) -> str:
    import dataclasses
    import json

    return json.dumps(dataclasses.asdict(prompt))


def _in_words(prompt: LoginPrompt, *, opens: bool) -> str:
    """What the person has to do."""
    from vestal.cli.failure import printable
    from vestal.operations.times import span

    waits = f"Waiting for {span(prompt.limit)}; Ctrl-C gives up."
    service = printable(prompt.service)
    if prompt.user_code is not None:
        lines = [
            f"To log in to {service}, open this address in a browser, on any machine:",
            "",
            f"    {printable(prompt.address)}",
            "",
            "and enter the code",
            "",
            f"    {printable(prompt.user_code)}",
            "",
        ]
        if prompt.address_with_code is not None:
            lines += ["or open this address, and see that it shows the same code:", ""]
            lines += [f"    {printable(prompt.address_with_code)}", ""]
        return "\n".join([*lines, waits])
    opened = "Your browser opens the page" if opens else "Open this address in a browser on this machine"
    return "\n".join(
        [
            f"{opened} to log in to {service}{'. If it does not, this is its address' if opens else ''}:",
            "",
            f"    {printable(prompt.address)}",
            "",
            f"From another machine: ssh -L {prompt.port}:127.0.0.1:{prompt.port} HOST, or try --device.",
            waits,
        ]
    )
