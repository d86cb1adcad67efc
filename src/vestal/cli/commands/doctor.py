"""`vestal doctor`."""

from __future__ import annotations

import dataclasses

import click

from vestal.cli.failure import UNEXPECTED
from vestal.cli.parameters import json_option
from vestal.cli.session import open_home


@click.command("doctor", short_help="Look for trouble, in everything.")
@json_option
def command(as_json: bool) -> int:
    """Look for trouble: in the home, its key and store, and in every credential.

    Changes nothing and asks no service. Ends with 1 if it finds trouble.
    """
    from vestal.cli.output import say, table, write_json
    from vestal.operations.checkup import checkup

    findings = list(checkup(open_home()))
    trouble = sum(finding.level == "trouble" for finding in findings)
    if as_json:
        write_json({"healthy": not trouble, "findings": [dataclasses.asdict(finding) for finding in findings]})
    else:
        table(
            ["what", "verdict", "finding"],
            [
                [each.check, each.level, each.message + (f" ({each.remedy})" if each.remedy else "")]
                for each in findings
            ],
        )
        say(f"found trouble: {trouble}" if trouble else "all is well")
    return UNEXPECTED if trouble else 0
