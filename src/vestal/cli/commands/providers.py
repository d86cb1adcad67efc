"""`vestal providers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import complete_provider, json_option
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from vestal.oauth2.provider import OAuth2Provider


@click.command("providers", short_help="Show the services that Vestal knows, or one of them.")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete_provider)
@click.option("--search", metavar="WORD", help="Show only those with this word in their name, title or grants.")
@json_option
def command(name: str | None, search: str | None, as_json: bool) -> None:
    """Show the services that Vestal knows, or all that it knows of one.

    Entries of your own go into providers.toml in VESTAL_HOME. A service that is not here can be added by its issuer or
    by its endpoints: see `vestal add --help`.
    """
    import dataclasses

    from vestal.cli.output import details, table, write_json
    from vestal.core.errors import ConfigError
    from vestal.oauth2 import catalogue

    extra = open_home().providers_file
    if name is not None:
        provider = catalogue.find(name, extra)
        if as_json:
            write_json(dataclasses.asdict(provider))
        else:
            details(provider.name, _pairs(provider))
        return
    found = [catalogue.find(each, extra) for each in catalogue.names(extra)]
    if search is not None:
        word = search.lower()
        found = [each for each in found if word in " ".join([each.name, each.title, *each.grants]).lower()]
        if not found and not as_json:
            raise ConfigError(f"no provider has {search[:40]!r} in it", remedy="`vestal providers` lists all")
    if as_json:
        write_json([dataclasses.asdict(each) for each in found])
    else:
        table(
            ["name", "service", "rotates", "pkce", "grants"],
            [[each.name, each.title, each.rotation, each.pkce, ", ".join(each.grants)] for each in found],
        )


def _pairs(provider: OAuth2Provider) -> list[tuple[str, str]]:
    from vestal.operations.times import span

    def lifetime(seconds: float | None) -> str:
        return "" if seconds is None else span(seconds)

    sets = " ".join(f"--set {variable}=..." for variable in provider.variables)
    return [
        ("service", provider.title),
        ("documentation", provider.docs),
        ("issuer", provider.issuer or ""),
        ("authorization", provider.authorization_endpoint or ""),
        ("token", provider.token_endpoint or ""),
        ("device", provider.device_authorization_endpoint or ""),
        ("revocation", provider.revocation_endpoint or ""),
        ("introspection", provider.introspection_endpoint or ""),
        ("API", ", ".join(provider.api_urls)),
        *((f"needs {variable}", meaning) for variable, meaning in provider.variables.items()),
        ("grants", ", ".join(provider.grants)),
        ("client auth", provider.client_auth),
        ("PKCE", provider.pkce),
        ("rotation", provider.rotation),
        ("access tokens", lifetime(provider.access_token_lifetime)),
        ("refresh tokens", lifetime(provider.refresh_token_lifetime)),
        ("scopes divided", "" if provider.scope_separator == " " else f"by {provider.scope_separator!r}"),
        *((f"sends {key}", value) for key, value in provider.authorization_parameters.items()),
        *((f"sends {key}", value) for key, value in provider.token_parameters.items()),
        ("DPoP", "always" if provider.dpop else ""),
        ("quirks", provider.quirks),
        ("add it", " ".join(f"vestal add NAME --provider {provider.name} --client-id ID {sets}".split())),
    ]
