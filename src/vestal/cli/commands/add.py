"""`vestal add`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import complete_provider, file_option, json_option, name_argument, setting
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from vestal.core.secret import Secret

CLIENT_AUTH = ("basic", "post", "none", "private_key_jwt")
GRANTS = ("refresh_token", "client_credentials", "authorization_code", "device_code", "jwt_bearer", "token_exchange")


@click.command("add")
@name_argument
@click.option("--provider", metavar="P", shell_complete=complete_provider, help="A service of `vestal providers`.")
@click.option(
    "--issuer", metavar="URL", help="A service that publishes its endpoints under this issuer; asked now, once."
)
@click.option("--token-url", metavar="URL", help="The token endpoint of any other service.")
@click.option("--authorize-url", metavar="URL", help="The authorization endpoint, for `vestal login`.")
@click.option("--client-id", metavar="ID", default="", help="The app's client id. Google's key files bring it along.")
@file_option("--client-secret-file", help="Read the client secret from a file, - for stdin.")
@click.option("--client-secret-env", metavar="VAR", help="Take the client secret from an environment variable, now.")
@click.option(
    "--client-auth",
    type=click.Choice(CLIENT_AUTH),
    help="How the app authenticates. Default: as the provider has it, and as what the app holds allows.",
)
@file_option("--key-file", help="Read a private key (PEM, JWK, Google's key file), for private_key_jwt and jwt_bearer.")
@click.option(
    "--grant",
    type=click.Choice(GRANTS),
    metavar="GRANT",
    help="How tokens are got: "
    + ", ".join(GRANTS)
    + ". Default: refresh_token if one is given, else authorization_code "
    "where the service has it, else client_credentials.",
)
@file_option("--refresh-token-file", help="Read a refresh token that you have already, - for stdin.")
@click.option("--scope", "scopes", metavar="S", multiple=True, help="A scope to ask for; may be given several times.")
@click.option(
    "--set",
    "settings",
    type=setting,
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting: a variable of the provider, audience, resource, subject, redirect_port, revoke_url, token_param.NAME "
    "and others (all are in docs/reference/cli.md). Not for secrets.",
)
@click.option("--replace", is_flag=True, help="Take the place of a credential of that name, and keep its history.")
@json_option
def command(
    name: str,
    provider: str | None,
    issuer: str | None,
    token_url: str | None,
    authorize_url: str | None,
    client_id: str,
    client_secret_file: str | None,
    client_secret_env: str | None,
    client_auth: str | None,
    key_file: str | None,
    grant: str | None,
    refresh_token_file: str | None,
    scopes: tuple[str, ...],
    settings: tuple[tuple[str, str], ...],
    replace: bool,
    as_json: bool,
) -> None:
    """Make a credential: an app at a service, under a name.

    The service is named by one of --provider, --issuer and --token-url. What can be checked without asking for a token is
    checked now. Secrets are read from files, stdin or the environment, and kept sealed.
    """
    from vestal.cli.output import note, say, service_of, write_json
    from vestal.cli.reading import read_secret
    from vestal.core.errors import ConfigError
    from vestal.operations.ask import tell_daemon
    from vestal.operations.register import Registration, register

    if client_secret_file and client_secret_env:
        raise ConfigError(
            "the client secret is given twice", remedy="give one of --client-secret-file and --client-secret-env"
        )
    secret = read_secret(client_secret_file, "the client secret") if client_secret_file else _from(client_secret_env)
    registration = Registration(
        provider=provider,
        issuer=issuer,
        token_url=token_url,
        authorize_url=authorize_url,
        client_id=client_id.strip(),
        client_secret=secret,
        private_key=read_secret(key_file, "the private key", lines=True) if key_file else None,
        client_auth=client_auth,
        grant=grant,
        scopes=tuple(scope for text in scopes for scope in text.split()),
        settings=dict(settings),
        refresh_token=read_secret(refresh_token_file, "the refresh token") if refresh_token_file else None,
    )
    home = open_home()
    credential, notes = register(home, name, registration, over=replace)
    tell_daemon(home, name)
    if as_json:
        app = credential.app
        write_json({"name": name, "provider": app.provider, "grant": app.grant, "notes": list(notes)})
    else:
        say(f"{name}: added ({service_of(credential.app)}, {credential.app.grant})")
    for text in notes:
        note(f"{name}: {text}")


def _from(variable: str | None) -> Secret | None:
    from vestal.core.errors import ConfigError
    from vestal.core.secret import Secret

    if variable is None:
        return None
    if not os.environ.get(variable):
        raise ConfigError(
            "the variable of --client-secret-env is not set, or empty", remedy="name a variable that holds the secret"
        )
    return Secret(os.environ[variable])
