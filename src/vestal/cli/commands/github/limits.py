"""`vestal github limits`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.github import asking, pools
from vestal.cli.parameters import json_option

if TYPE_CHECKING:
    from vestal.operations.github.quota import Line


@click.command("limits")
@asking
@click.option("--all", "everything", is_flag=True, help="All buckets, and not just core, graphql and search.")
@json_option
def command(app: str | None, credentials: tuple[str, ...], base_url: str, everything: bool, as_json: bool) -> None:
    """Show what is left of the quotas, by token and bucket.

    Tokens of one owner share one quota. GitHub is asked, which costs nothing of it.
    """
    from vestal.cli.output import table, write_json
    from vestal.operations.github.quota import lines
    from vestal.operations.times import rfc3339

    with pools(app, credentials, base_url) as made:
        pool = made.all()
        found, now = list(lines(pool, everything=everything)), pool.api.clock.now()
    if as_json:
        write_json(
            [
                {
                    "name": line.name,
                    "token": line.token,
                    "owner": line.owner,
                    "bucket": line.bucket,
                    "limit": line.left.limit,
                    "remaining": line.left.remaining,
                    "reset_at": rfc3339(line.left.reset_at),
                    "resting_until": rfc3339(line.resting_until),
                    "refused": line.refused,
                }
                for line in found
            ]
        )
        return
    owners = any(not line.owner.endswith(_owner_in(line.name)) for line in found)
    headers = ["name", "token", *(["owner"] if owners else []), "bucket", "left", "resets", "state"]
    table(headers, [_row(line, now, owners=owners) for line in found])


def _owner_in(name: str) -> str:
    """What the name of an installation's credential tells of the owner: then there is no need of a column for that."""
    return "/".join(name.split("/")[-2:]) if "/installation/" in name else " "


def _row(line: Line, now: float, *, owners: bool) -> list[str]:
    left = line.left
    counts = f"{left.remaining:,} of {left.limit:,}" if None not in (left.remaining, left.limit) else ""
    owner = line.owner.partition("/")[2] or line.owner
    return [
        line.name,
        line.token,
        *([owner] if owners else []),
        line.bucket,
        counts,
        _resets(line, now),
        _state(line, now),
    ]


def _resets(line: Line, now: float) -> str:
    from vestal.operations.times import span

    if line.left.reset_at is None or line.left.reset_at <= now:
        return ""
    seconds = line.left.reset_at - now
    return "in " + span(seconds if seconds < 60 else seconds // 60 * 60)


def _state(line: Line, now: float) -> str:
    from vestal.operations.times import relative

    if line.refused is not None:
        return f"refused: {line.refused}"
    if line.resting_until is not None:
        return f"resting, free {relative(line.resting_until, now)}"
    return "unknown" if line.left.remaining is None else "fine" if line.left.remaining else "exhausted"
