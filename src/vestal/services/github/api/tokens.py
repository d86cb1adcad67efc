"""The tokens of installations, by repository: getting, replacing, showing and forgetting them."""

from __future__ import annotations

import logging
from functools import partial

from vestal.core.errors import ConfigError
from vestal.core.token import Token
from vestal.services.github.api.installed import Installed
from vestal.services.github.api.reach import Client, FixedReach, Reach, check_repository, within
from vestal.services.github.api.token_info import CachedTokenInfo, TokenStats, token_info, token_stats
from vestal.services.github.installations import Installation
from vestal.services.steps import Steps, ask, do

_log = logging.getLogger("vestal.github")


def get_installation(
    client: Client, repository: str = "", *, organization: str = "", user: str = ""
) -> Steps[Installation]:
    """The app's installation on a repository (`owner/name`), in an organization or for a user, as GitHub has it now.

    A suspended one is told as well (`suspended_at`). Raises `NotInstalled`, and `ConfigError` for a client without an app.
    """
    lookup = client.connection.lookup
    if lookup is None:
        raise ConfigError("personal access tokens have no installations", remedy="give the client an app")
    return (yield from lookup.ask(repository, organization, user))


def get_installation_token(client: Client, owner: str, repo: str, force_refresh: bool = False) -> Steps[str]:
    """The token itself, as text, of the installation that reaches a repository. May block; raises `VestalError`.

    All repositories of an installation share it, in all processes that share the home. It is replaced before it expires;
    `force_refresh` replaces it now. Text can end up in logs: the client's own calls and the hooks (`vestal.hooks`) need no
    text, and replace a refused token by themselves. A client with personal access tokens gives the one with the most left.
    """
    token = yield from within(client, owner, repo, partial(_token, force=force_refresh))
    return token.access_token.reveal()


def refresh_installation_token(client: Client, owner: str, repo: str) -> Steps[str]:
    """A new token now, as `get_installation_token(..., force_refresh=True)`."""
    return (yield from get_installation_token(client, owner, repo, force_refresh=True))


def clear_token_cache(client: Client, owner: str | None = None, repo: str | None = None) -> Steps[None]:
    """Throw away the tokens of one repository, of all repositories of an owner, or of all that this client knows.

    A token belongs to an installation, and so is gone for all of the installation's repositories, in the store as well:
    whoever asks next gets a new one. What other processes have at hand stays good until it expires. Counts and last errors
    stay.
    """
    lookup = client.connection.lookup
    if lookup is None:
        return
    known: dict[int, Installed] = {}
    for key, found in lookup.all().items():
        account, _, name = key.partition("/")
        if (owner is None or account == owner.lower()) and (repo is None or name == repo.lower()):
            known[found.id] = found
    for found in known.values():
        yield from do(found.clear)
        lookup.drop(found)
    _log.info("the tokens of %d installations were cleared", len(known))


def cleanup_expired_tokens(client: Client) -> Steps[int]:
    """Let go of the tokens that have expired, and of what is remembered of their installations; how many there were.

    A client that is used does so by itself every 10 minutes.
    """
    yield from ()
    return client.connection.cleanup.run()


def get_cached_token_info(client: Client, owner: str, repo: str) -> Steps[CachedTokenInfo | None]:
    """What is known of a repository's token; None if this client has not asked for it yet. Sends nothing."""
    check_repository(owner, repo)
    lookup = client.connection.lookup
    found = None if lookup is None else lookup.known(owner, repo)
    if found is None:
        return None
    info = yield from _info(client, found)
    return {**info, "repo_key": f"{owner}/{repo}".lower()}


def get_all_cached_tokens_info(client: Client) -> Steps[dict[str, CachedTokenInfo]]:
    """The same for all repositories that this client has asked for, by `owner/name` in lower case."""
    lookup = client.connection.lookup
    known = {} if lookup is None else lookup.all()
    infos: dict[int, CachedTokenInfo] = {}
    for found in known.values():
        if found.id not in infos:
            infos[found.id] = yield from _info(client, found)
    return {key: {**infos[found.id]} for key, found in known.items()}


def get_token_management_stats(client: Client) -> Steps[TokenStats]:
    """Counts over all installations that this client knows; see `TokenStats`."""
    connection = client.connection
    infos: list[CachedTokenInfo] = []
    for found in connection.lookup.installations() if connection.lookup is not None else ():
        infos += [(yield from _info(client, found))]
    return token_stats(
        infos,
        repositories=0 if connection.lookup is None else len(connection.lookup.all()),
        last_cleanup=connection.cleanup.last,
        since_cleanup=connection.cleanup.since(),
    )


def _token(reach: Reach, *, force: bool) -> Steps[Token]:
    if force or isinstance(reach, FixedReach):  # the latter's pool may have to ask GitHub about itself first
        return (yield from do(reach.force))
    return (yield from ask(reach.source))


def _info(client: Client, found: Installed) -> Steps[CachedTokenInfo]:
    connection = client.connection
    record = yield from do(found.record)
    return token_info(found.id, record, found.source.failure, now=connection.clock.now(), buffer=connection.buffer)
