"""`vestal github limits`."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import click

from vestal.cli.github import asking, pools
from vestal.cli.parameters import json_option

if TYPE_CHECKING:
    from vestal.operations.github.quota import Line, Owner


@click.command("limits")
@asking
@click.option("--all", "everything", is_flag=True, help="All buckets, and not just core, graphql and search.")
@json_option
def command(app: str | None, credentials: tuple[str, ...], base_url: str, everything: bool, as_json: bool) -> None:
    """Show what is left of the quotas, by owner and bucket.

    Tokens of one owner share one quota: they stand beside it, the second one behind a +. GitHub is asked, which costs
    nothing of it.
    """
    from vestal.cli.output import note, table, write_json
    from vestal.operations.github.quota import by_owner, lines
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
    owners = by_owner(found)
    headers = ["name", "token", "bucket", "left", "resets", "state"]
    table(headers, [row for owner in owners for row in _rows(owner, now)])
    for owner in owners:
        if owner.refused is not None:
            note(f"{', '.join(name for name, _ in owner.tokens)}: {owner.refused}")


def _rows(owner: Owner, now: float) -> list[list[str]]:
    """The tokens of an owner beside its quotas: further tokens do not add to them."""
    tokens = [["+ " + name if number else name, token] for number, (name, token) in enumerate(owner.tokens)]
    if owner.refused is not None:
        return [[name, token, "", "", "", "refused"] for name, token in owner.tokens]
    quotas = [_quota(line, now) for line in owner.lines]
    return [[*(token or [""] * 2), *(quota or [""] * 4)] for token, quota in zip_longest(tokens, quotas)]


def _quota(line: Line, now: float) -> list[str]:
    left = line.left
    counts = f"{left.remaining:,} of {left.limit:,}" if None not in (left.remaining, left.limit) else ""
    return [line.bucket, counts, _resets(line, now), _state(line, now)]


def _resets(line: Line, now: float) -> str:
    from vestal.operations.times import span

    if line.left.reset_at is None or line.left.reset_at <= now:
        return ""
    seconds = line.left.reset_at - now
    return "in " + span(seconds if seconds < 60 else seconds // 60 * 60)


def _state(line: Line, now: float) -> str:
    from vestal.operations.times import relative

    if line.resting_until is not None:
        return f"resting, free {relative(line.resting_until, now)}"
    return "unknown" if line.left.remaining is None else "fine" if line.left.remaining else "exhausted"
