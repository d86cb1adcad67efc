"""What an answer to a query for many pull requests gives, and what has to be asked again. Pure.

Errors come beside data, each with the path of what it left empty: https://spec.graphql.org/October2021/#sec-Errors
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vestal.core.errors import HTTPError, PermissionDenied, VestalError
from vestal.services.github.graphql import GraphQLError, GraphQLReply
from vestal.services.github.prs.batch import asked_too_much

Node = dict[str, Any]
DENIED = ("FORBIDDEN", "INSUFFICIENT_SCOPES", "SAML_FAILURE", "IP_ALLOW_LIST")
"""Types of errors that asking again does not mend."""


@dataclass(slots=True)
class Sorted:
    """The parts of an answer by their names."""

    whole: dict[str, Node] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    """What did not come, or not whole."""
    trouble: VestalError | None = None
    """Why nothing came, if asking again or for less does not mend it."""


def sort_out(reply: GraphQLReply, names: Sequence[str], under: str | None, repository: str) -> Sorted:
    """Sort the parts of an answer. `under`: the field that they lie in; None: they are at the top."""
    depth = 0 if under is None else 1
    found: Any = reply.data if under is None else reply.data.get(under)
    data: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    errors: dict[object, set[str]] = {}
    for error in reply.errors:
        if error.type in DENIED:
            return Sorted(trouble=refused(repository, [error]))
        at = error.path[depth : depth + 1]
        name = at[0] if at else None
        exact = "whole" if len(error.path) == depth + 1 else "within"
        errors.setdefault(name, set()).add("gone" if error.type == "NOT_FOUND" and exact == "whole" else "again")
    if not data or None in errors:
        mendable = any(asked_too_much(error) for error in reply.errors) or any(data.values())
        trouble = None if mendable else refused(repository, reply.errors)
        return Sorted(again=list(names), trouble=trouble)
    sorted_ = Sorted()
    for name in names:
        if errors.get(name) == {"gone"}:
            sorted_.gone.append(name)
        elif name in errors or not isinstance(data.get(name), dict):
            sorted_.again.append(name)
        else:
            sorted_.whole[name] = data[name]
    return sorted_


def refused(repository: str, errors: Sequence[GraphQLError]) -> VestalError:
    """What it means that a query was not answered, for a reason that asking for less does not mend."""
    error = errors[0] if errors else GraphQLError("no data and no error")
    said = error.message[:300]
    if error.type == "NOT_FOUND":
        return HTTPError(
            f"{repository} is missing, or hidden from these tokens: {said}",
            remedy="check the name, and whether the tokens or the installation reach that repository",
            code="not_found",
        )
    if error.type in DENIED:
        return PermissionDenied(
            f"GitHub refused to tell of {repository}: {said}",
            remedy="the token needs to read contents, pull requests, issues, checks and commit statuses of it",
            code="forbidden",
        )
    return HTTPError(f"GitHub's GraphQL API refused a query: {error.type or 'error'}: {said}", code="graphql")
