"""`vestal github prs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vestal.cli.github import asking, pools, repository
from vestal.cli.parameters import json_option

if TYPE_CHECKING:
    from vestal.operations.github.fetch import Report, Wanted


@click.command("prs", short_help="Fetch pull requests into a file, details and all.")
@click.argument("repositories", metavar="OWNER/REPO...", nargs=-1, required=True, type=repository)
@click.option("-o", "--out", metavar="FILE", required=True, help="Write to this file: .jsonl, .csv, .sqlite, .parquet.")
@click.option("--format", "named", metavar="FORMAT", help="jsonl, csv, sqlite or parquet, if FILE does not say.")
@click.option("--since", metavar="WHEN", default="90d", help="What was updated since: 90d, 2026-01-31. Default: 90d.")
@click.option("--until", metavar="WHEN", help="What was updated before.")
@click.option("--open", "include_open", is_flag=True, help="Open ones as well.")
@click.option("--drafts", is_flag=True, help="Drafts as well.")
@click.option("--patches", is_flag=True, help="With the patches of files, which cost a request or more for each.")
@click.option("--max", "most", type=click.IntRange(min=1), metavar="N", help="Of each, the N that were updated last.")
@asking
@click.option("--wait", is_flag=True, help="When all tokens are exhausted, wait for the reset, and go on.")
@click.option("--replace", is_flag=True, help="Take the place of a file that is there, and not from here.")
@json_option
def command(
    repositories: tuple[str, ...],
    out: str,
    named: str | None,
    since: str,
    until: str | None,
    include_open: bool,
    drafts: bool,
    patches: bool,
    most: int | None,
    app: str | None,
    credentials: tuple[str, ...],
    base_url: str,
    wait: bool,
    replace: bool,
    as_json: bool,
) -> None:
    """Fetch pull requests into a file, with all that hangs on them.

    Commits, reviews and their comments, files, check runs, labels, linked issues; drafts and open ones if asked for. FILE is
    there when it is complete, and FILE.partial grows until then. However a run ends, the same command goes on where it was
    (FILE.checkpoint knows), and after a complete one it fetches what has changed since. In CSV and SQLite, times are text
    in UTC; cells are as GitHub has them, so a spreadsheet should import titles as text.
    """
    import time

    from vestal.cli.live.fetching import following
    from vestal.cli.output import note
    from vestal.core.errors import ConfigError
    from vestal.operations.github.fetch import Report, Wanted, fetch
    from vestal.operations.github.windows import edge
    from vestal.services.github.prs.sinks import format_of, sink

    path, now = Path(out).expanduser(), time.time()
    name = format_of(path, named)
    sink(name)  # what it needs is there
    wanted = Wanted(
        repositories=tuple({each.lower(): each for each in reversed(repositories)}.values())[::-1],
        out=path,
        format=name,
        since=edge(since, now),
        until=None if until is None else edge(until, now),
        include_open=include_open,
        include_drafts=drafts,
        with_patches=patches,
        max_prs=most,
        wait=wait,
        over=replace,
    )
    if wanted.until is not None and wanted.until.at <= wanted.since.at:
        raise ConfigError("the window ends before it begins", remedy="let --until be later than --since")
    report = Report(path)
    try:
        with pools(app, credentials, base_url) as made, following() as progress:
            fetch(wanted, made.reaching, report, progress)
    except KeyboardInterrupt:
        note(f"{path} is not {'up to date' if path.exists() else 'complete'}: run the same command again to go on")
        raise
    finally:
        for text in report.notes if not as_json else ():
            note(text)
    _tell(report, wanted, as_json=as_json)


def _tell(report: Report, wanted: Wanted, *, as_json: bool) -> None:
    from dataclasses import asdict

    from vestal.cli.output import counted, say, write_json

    if as_json:
        repositories = [asdict(each) for each in report.repositories]
        told = {"complete": True, "changed": report.written, "notes": report.notes, "repositories": repositories}
        write_json({"out": str(report.out), **told})
        return
    stored = sum(each.stored for each in report.repositories)
    changed, points = (sum(getattr(each, name) for each in report.repositories) for name in ("changed", "points"))
    of = f" of {len(wanted.repositories)} repositories" if len(wanted.repositories) > 1 else ""
    if not report.written:
        say(f"{report.out}: nothing has changed, {counted(stored, 'pull request')}{of} ({counted(points, 'point')})")
        return
    news = "" if changed == stored else f", {changed:,} new or changed"
    say(f"{report.out}: {counted(stored, 'pull request')}{of}{news} ({counted(points, 'point')})")
