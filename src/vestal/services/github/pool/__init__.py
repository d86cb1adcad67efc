"""`GitHubTokenPool`: the tokens of many owners as one. What is left of each quota is known, and kept.

`tokens` reads tokens, `members` makes sources of them and of installations, `owners` asks whose they are, `opening` makes
the core's pool of it all, `deferred` puts that off until the first use, `token_info` shows one member, `pool` is the whole.
"""

from vestal.services.github.pool.errors import AllTokensExhaustedException
from vestal.services.github.pool.pool import GitHubTokenPool
from vestal.services.github.pool.token_info import TokenInfo

__all__ = ["AllTokensExhaustedException", "GitHubTokenPool", "TokenInfo"]
