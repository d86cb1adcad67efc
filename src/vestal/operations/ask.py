"""One question of a process that ends after it: a token of one credential.

A `RefreshingSource` is made to be kept: it holds the last token and answers out of memory. A process that asks once has
nothing to hold, so it looks into the store first, and needs neither threads nor an HTTP client while the token is good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestal.core.credential import check_name
from vestal.core.decision import Demand, satisfies
from vestal.core.token import Token

if TYPE_CHECKING:
    from vestal.home import Home


def ask(home: Home, name: str, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
    """A token that works; see `TokenSource.token`. It is for its bearer: a DPoP token comes without its proof.

    A refresh that somebody's death has interrupted is finished at once, even if the token is still good: the grace of a
    service, in which that is possible, is short. Raises `VestalError`.
    """
    check_name(name)
    credential = home.store.load(name)
    interrupted = credential is not None and credential.intent is not None and not home.store.leased(name)
    demand = Demand(newer_than, min_ttl=min_ttl)
    if credential is not None and not interrupted and satisfies(credential, demand, home.clock.now()):
        assert credential.token is not None
        return credential.token
    source = home.source(name)
    token = source.token(newer_than, min_ttl)
    if interrupted:
        source.token()  # which begins to finish that refresh, in the background; the process waits for it at its end
    return token
