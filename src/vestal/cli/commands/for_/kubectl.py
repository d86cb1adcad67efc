"""`vestal for kubectl`."""

from __future__ import annotations

import sys

import click

from vestal.cli.parameters import name_argument
from vestal.cli.session import open_home


@click.command("kubectl", short_help="Be an exec plugin of kubectl (ExecCredential).")
@name_argument
def command(name: str) -> None:
    """Be an exec plugin of kubectl, and of whatever else uses client-go: print an ExecCredential.

    \b
    kubectl config set-credentials me --exec-api-version=client.authentication.k8s.io/v1 \\
      --exec-interactive-mode=Never --exec-command=vestal --exec-arg=for --exec-arg=kubectl --exec-arg=NAME
    """  # noqa: D301
    import os

    from vestal.operations.doors.bearer import bearer
    from vestal.operations.doors.formats import exec_credential

    token = bearer(open_home(), name)
    sys.stdout.write(exec_credential(token, os.environ.get("KUBERNETES_EXEC_INFO", "")).reveal())
