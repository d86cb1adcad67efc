"""`vestal github contributors`."""

from __future__ import annotations

import click

from vestal.cli.github import asking, pools, repository
from vestal.cli.parameters import json_option


@click.command("contributors")
@click.argument("name", metavar="OWNER/REPO", type=repository)
@click.option(
    "--since", metavar="WHEN", default="90d", help="Count what was updated since: 90d, 2026-01-31. Default: 90d."
)
@click.option("--max", "most", type=click.IntRange(min=1), default=15, metavar="N", help="So many people. Default: 15.")
@asking
@json_option
def command(
    name: str, since: str, most: int, app: str | None, credentials: tuple[str, ...], base_url: str, as_json: bool
) -> None:
    """Show who makes the most pull requests of a repository.

    Counted are those that were updated in the time, whatever their state. Bots are left out.
    """
    import dataclasses
    import time

    from vestal.cli.output import say, table, write_json
    from vestal.operations.github.contributors import contributors
    from vestal.operations.github.windows import edge

    start = edge(since, time.time()).at
    with pools(app, credentials, base_url) as made:
        found = contributors(made.reaching(name), name, start, most)
    if as_json:
        write_json([dataclasses.asdict(each) for each in found])
    elif found:
        rows = [[each.github_login, each.display_name or "", str(each.pr_count), each.email or ""] for each in found]
        table(["login", "name", "pull requests", "email"], rows)
    else:
        say(f"nobody has made a pull request of {name} since {start:%Y-%m-%d}")
