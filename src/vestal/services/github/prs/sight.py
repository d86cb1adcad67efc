"""Who of a pool sees a repository. A private one is hidden (404) from the tokens of those who have no access.

A pull request that one token does not find may well be there for another: so those that don't see the repository are left
out of the run, before anything is taken for gone.
"""

from __future__ import annotations

from typing import cast

from vestal.core.errors import AuthFailed, HTTPError, NeedsLogin, PermissionDenied, RateLimited, VestalError
from vestal.core.pool import Pool
from vestal.services.github.call import API, Call, call
from vestal.services.github.graphql import GraphQLError
from vestal.services.github.pool.deferred import Some
from vestal.services.github.prs.answer import refused
from vestal.services.steps import Steps, do, together


def those_who_see(api: API, pool: Pool, repository: str) -> Steps[Pool]:
    """The pool without the members that the repository is hidden from, or that can't be asked now.

    One request each. Raises `AllExhausted` or what else keeps all who may see it from being asked, and `HTTPError` with the
    code `not_found` if nobody sees it.
    """
    members = yield from do(lambda: pool.members)
    answers = yield from together([_asked(api, pool, member.name, repository) for member in members])
    seeing = [member.name for member, answer in zip(members, answers, strict=True) if answer is None]
    if len(seeing) == len(members):
        return pool
    if seeing:
        return cast(Pool, Some(pool, seeing))
    troubles = [answer for answer in answers if answer is not None]
    told = [trouble for trouble in troubles if not isinstance(trouble, NeedsLogin | AuthFailed)] or troubles
    for trouble in told:  # a dead token says nothing of the repository
        if trouble.code != "not_found":
            raise trouble
    raise refused(repository, [GraphQLError(told[0].message, "NOT_FOUND")])


def _asked(api: API, pool: Pool, name: str, repository: str) -> Steps[VestalError | None]:
    """What one member is told."""
    one = cast(Pool, Some(pool, [name]))
    try:
        yield from call(api, one, Call("GET", f"/repos/{repository}"))
    except (HTTPError, PermissionDenied, NeedsLogin, AuthFailed, RateLimited) as error:
        return error
    return None
