"""`vestal show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import json_option, name_argument
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from vestal.operations.overview import Seen


@click.command("show")
@name_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Show all that is known of a credential, but its secrets.

    Secrets are named by their fingerprints at most.
    """
    from vestal.cli.output import details, write_json
    from vestal.operations.overview import look, overview

    seen = look(open_home(), name)
    if as_json:
        write_json(overview(seen))
    else:
        details(name, _pairs(seen))


def _pairs(seen: Seen) -> list[tuple[str, str]]:
    from vestal.cli.output import service_of
    from vestal.operations.times import relative, rfc3339

    credential, app, token, now = seen.credential, seen.credential.app, seen.credential.token, seen.now

    def moment(at: float | None) -> str:
        return "" if at is None else f"{rfc3339(at)}, {relative(at, now)}"

    error = credential.last_error
    pairs = [
        ("state", seen.state.value),
        ("token", seen.token_state.value),
        ("version", str(credential.version)),
        ("expires", moment(token.expires_at) if token else ""),
        ("next refresh", moment(seen.next_refresh_at)),
        ("type", token.token_type if token else ""),
        ("scope", token.scope if token else " ".join(app.scopes)),
        ("refreshed", moment(credential.refreshed_at)),
        ("refreshes", str(credential.refresh_count)),
        ("created", moment(credential.created_at)),
        ("refresh token", credential.refresh_token.fingerprint() if credential.refresh_token else "none"),
        ("  rotation", _rotation(credential.rotating)),
        ("  ends", moment(credential.refresh_token_expires_at)),
        ("interrupted", "a worker died in a refresh; the next caller finishes it" if seen.interrupted else ""),
        ("login until", moment(credential.authorizing_until)),
        ("last error", f"{error.category} {relative(error.at, now)}: {error.message}" if error else ""),
        ("  what to do", error.remedy if error else ""),
        ("service", service_of(app)),
        ("grant", app.grant),
        ("client id", app.client_id),
        ("client auth", app.client_auth or ""),
        *((f"  {key}", value) for key, value in sorted(app.settings.items())),
    ]
    for number, past in enumerate(credential.history[-5:][::-1]):
        detail = f" ({past.detail})" if past.detail else ""
        pairs.append(("" if number else "history", f"{rfc3339(past.at)} version {past.version}: {past.what}{detail}"))
    return pairs


def _rotation(rotating: bool | None) -> str:
    if rotating is None:
        return ""
    return "replaced by every refresh" if rotating else "stays the same"
