"""The stub's GraphQL endpoint, without HTTP: a query in, GitHub's answer out.

    body, points = execute(world, {"query": "{ viewer { login } }"}, Caller(user=octocat))

https://docs.github.com/en/graphql. The schema is a part of GitHub's own (`schema.graphql`); errors have GitHub's `type`,
and come beside the data, in an answer whose status is 200.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from tests.github.stub.graphql_cost import Cost, cost_and_nodes
from tests.github.stub.graphql_page import Refused
from tests.github.stub.graphql_roots import Caller, Quota, query
from tests.github.stub.world import World

__all__ = ["NODE_LIMIT", "Caller", "Cost", "Quota", "cost_of", "execute"]

ANYBODY = Caller()
NODE_LIMIT = 500_000
"""https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#node-limit"""

Errors = list[dict[str, Any]]


class _Asked(NamedTuple):
    """A request that can be run."""

    document: DocumentNode
    variables: dict[str, Any]
    operation: str | None
    cost: Cost


@cache
def schema() -> GraphQLSchema:
    """The part of GitHub's schema that the stub answers."""
    return build_schema((Path(__file__).parent / "schema.graphql").read_text())


def cost_of(request: dict[str, object]) -> Cost:
    """What a request will be charged for. (0, 0) if it is not valid, and so not run."""
    asked = _read(request)
    return asked.cost if isinstance(asked, _Asked) else Cost(0, 0)


def execute(world: World, request: dict[str, object], caller: Caller = ANYBODY) -> tuple[dict[str, object], int]:
    """The body of the answer to a request (`query`, `variables`, `operationName`), and the points that it costs.

    The points are 0 if the query was refused before it ran. The world is locked meanwhile.
    """
    asked = _read(request)
    if not isinstance(asked, _Asked):
        return {"errors": asked}, 0
    if asked.cost.nodes > NODE_LIMIT:
        text = f"This query requests up to {asked.cost.nodes:,} possible nodes which exceeds the maximum limit of"
        return {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": f"{text} {NODE_LIMIT:,}."}]}, 0
    with world.lock:
        root = query(world, caller, asked.cost)
        result = execute_sync(schema(), asked.document, root, None, asked.variables, asked.operation)
    errors = [_formatted(error) for error in result.errors or ()]
    if result.data is None and all("path" not in error for error in errors):
        return {"errors": errors}, 0  # a variable is missing or of another type
    return {"data": result.data, **({"errors": errors} if errors else {})}, asked.cost.points


def _read(request: dict[str, object]) -> _Asked | Errors:
    """The request, or what is wrong with it."""
    text, variables, operation = request.get("query"), request.get("variables"), request.get("operationName")
    if not isinstance(text, str) or not text.strip():
        return [{"message": "A query attribute must be specified and must be a string."}]
    if not isinstance(variables, dict | None):
        return [{"message": "Variables are invalid JSON"}]
    prepared = _prepare(text)
    if not isinstance(prepared, DocumentNode):
        return prepared
    name = operation if isinstance(operation, str) and operation else None
    try:
        cost = cost_and_nodes(prepared, variables or {}, name)
    except LookupError:
        return [{"message": "An operation name is required" if name is None else f'No operation named "{name}"'}]
    return _Asked(prepared, variables or {}, name, cost)


@lru_cache(maxsize=512)
def _prepare(text: str) -> DocumentNode | Errors:
    """A query's text, parsed and validated, or what is wrong with it; kept, since a client sends the same few."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return [_formatted(error)]
    return [_formatted(error) for error in validate(schema(), document)] or document


def _formatted(error: GraphQLError) -> dict[str, Any]:
    """An error as GitHub writes it."""
    places = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    refused = error.original_error
    return {
        **({"type": refused.type} if isinstance(refused, Refused) else {}),
        **({"path": error.path} if error.path is not None else {}),
        **({"locations": places} if places else {}),
        "message": error.message,
    }
