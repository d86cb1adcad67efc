"""Queries of GitHub's GraphQL API. Errors come with status 200, and may come beside data.

https://docs.github.com/en/graphql/guides/forming-calls-with-graphql
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vestal.core.errors import HTTPError
from vestal.core.pool import Pool
from vestal.services.github.call import API, Call, call
from vestal.services.steps import Steps


@dataclass(frozen=True, slots=True)
class GraphQLError:
    """One error of an answer."""

    message: str
    type: str = ""
    """`NOT_FOUND`, `FORBIDDEN`, `MAX_NODE_LIMIT_EXCEEDED`, ...; often empty."""
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphQLReply:
    """An answer: what there is, and what went wrong with the rest."""

    data: Mapping[str, Any] = field(repr=False)
    errors: tuple[GraphQLError, ...] = ()


def query(
    api: API, pool: Pool, document: str, variables: Mapping[str, Any], *, cost: int = 1, retried: bool = True
) -> Steps[GraphQLReply]:
    """Run a query. `cost`: points that it will take at least; see `Call` for the rest. Raises as `call`."""
    body = {"query": document, "variables": dict(variables)}
    response = yield from call(
        api, pool, Call("POST", "/graphql", json=body, cost=cost, graphql="query", retried=retried)
    )
    answer = response.data
    if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
        raise HTTPError("GitHub's GraphQL API gave an answer without data", remedy="ask again")
    data = answer.get("data")
    return GraphQLReply(data if isinstance(data, dict) else {}, tuple(_errors(answer.get("errors"))))


def _errors(errors: object) -> list[GraphQLError]:
    return [
        GraphQLError(
            str(error.get("message", "")),
            str(error.get("type") or ""),
            _path(error.get("path")),
        )
        for error in (errors if isinstance(errors, list) else ())
        if isinstance(error, dict)
    ]


def _path(path: object) -> tuple[str | int, ...]:
    return tuple(step for step in path if isinstance(step, str | int)) if isinstance(path, list) else ()
