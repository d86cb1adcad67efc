"""`vestal for docker`, which is also the program `docker-credential-vestal`."""

from __future__ import annotations

import sys

import click

from vestal.cli.session import open_home


@click.command("docker", short_help="Be Docker's credential helper.")
@click.argument("operation", metavar="get|store|erase|list")
def command(operation: str) -> None:
    """Be Docker's credential helper, for the registries in hosts.toml. Docker runs it as `docker-credential-vestal`.

    \b
    ~/.docker/config.json: {"credHelpers": {"registry.example.com": "vestal"}}

    Nothing is stored or erased: `docker login` and `docker logout` change nothing here. Errors are on stdout, where
    Docker looks for them.
    """  # noqa: D301
    from vestal.cli.failure import BAD_INPUT, as_line, exit_code
    from vestal.core.errors import VestalError
    from vestal.core.secret import Secret
    from vestal.operations.doors import docker

    told: Secret | None = None
    try:
        if operation == "get":
            told = docker.get(open_home(), sys.stdin.read(4096).strip())
            if told is None:
                print(docker.UNKNOWN)
                raise click.exceptions.Exit(1)
        elif operation == "store":
            docker.store(open_home(), Secret(sys.stdin.read(1 << 16)))
        elif operation == "list":
            print(docker.list_all(open_home()), end="")
        elif operation != "erase":
            print("vestal: the words are get, store, erase and list")
            raise click.exceptions.Exit(BAD_INPUT)
    except VestalError as error:
        print(as_line(error))
        raise click.exceptions.Exit(exit_code(error)) from None
    if told is not None:
        sys.stdout.write(told.reveal())
