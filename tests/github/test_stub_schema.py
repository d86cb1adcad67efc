"""The stub's GraphQL schema is a part of GitHub's own, as published on npm (`@octokit/graphql-schema`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
)

from tests.github.stub.graphql import schema
from tests.node import install

HERE = Path(__file__).parent
Types = dict[str, TypeDefinitionNode]


def types(document: DocumentNode) -> Types:
    return {node.name.value: node for node in document.definitions if isinstance(node, TypeDefinitionNode)}


@pytest.fixture(scope="module")
def github() -> Types:
    install(HERE / "node")
    text = (HERE / "node" / "node_modules" / "@octokit" / "graphql-schema" / "schema.graphql").read_text()
    return types(parse(text, no_location=True))


def differences(ours: Types, theirs: Types) -> Iterator[str]:
    """What of ours is not in theirs, or is not the same there."""
    for name, node in ours.items():
        other = theirs.get(name)
        if other is None or other.kind != node.kind:
            yield f"{name}: no such {node.kind}"
            continue
        yield from (f"{name}: {part} is not there" for part in sorted(parts(node) - parts(other)))
        yield from (f"{name}: {part} is required" for part in sorted(required(other) - parts(node)))


def parts(node: TypeDefinitionNode) -> set[str]:
    """All that a type is made of, one text each: fields and arguments with their types, enum values, and so on."""
    found: set[str] = set()
    if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        found |= {f"implements {interface.name.value}" for interface in node.interfaces or ()}
        for field in node.fields or ():
            found.add(f"{field.name.value}: {print_ast(field.type)}{deprecated(field)}")
            found |= {argument(field, one) for one in field.arguments or ()}
    elif isinstance(node, InputObjectTypeDefinitionNode):
        found |= {f"{field.name.value}: {print_ast(field.type)}" for field in node.fields or ()}
    elif isinstance(node, EnumTypeDefinitionNode):
        found |= {value.name.value for value in node.values or ()}
    elif isinstance(node, UnionTypeDefinitionNode):
        found |= {f"| {member.name.value}" for member in node.types or ()}
    return found


def argument(field: FieldDefinitionNode, one: InputValueDefinitionNode) -> str:
    default = f" = {print_ast(one.default_value)}" if one.default_value else ""
    return f"{field.name.value}({one.name.value}: {print_ast(one.type)}{default})"


def deprecated(field: FieldDefinitionNode) -> str:
    return " @deprecated" if any(used.name.value == "deprecated" for used in field.directives or ()) else ""


def required(node: TypeDefinitionNode) -> set[str]:
    """What must not be left out where a type is cut down: fields of inputs without which they are refused."""
    fields = node.fields or () if isinstance(node, InputObjectTypeDefinitionNode) else ()
    return {
        f"{field.name.value}: {print_ast(field.type)}" for field in fields if isinstance(field.type, NonNullTypeNode)
    }


def test_every_line_of_the_schema_is_as_github_has_it(github: Types) -> None:
    ours = types(parse((HERE / "stub" / "schema.graphql").read_text(), no_location=True))

    assert len(ours) > 50
    assert list(differences(ours, github)) == []


@pytest.mark.parametrize(
    ("line", "difference"),
    [
        ("type Thing { id: ID! }", "Thing: no such object_type_definition"),
        ("enum PullRequest { OPEN }", "PullRequest: no such enum_type_definition"),
        ("type PullRequest { patch: String }", "PullRequest: patch: String is not there"),
        ("type PullRequest { body: String }", "PullRequest: body: String is not there"),
        ("type PullRequest { databaseId: Int }", "PullRequest: databaseId: Int is not there"),
        ("type PullRequest { files(page: Int): PullRequestChangedFileConnection }", "files(page: Int) is not there"),
        (
            "type Query { rateLimit(dryRun: Boolean = true): RateLimit }",
            "rateLimit(dryRun: Boolean = true) is not there",
        ),
        ("type RateLimit implements Node { cost: Int! }", "RateLimit: implements Node is not there"),
        ("enum PullRequestState { DRAFT }", "PullRequestState: DRAFT is not there"),
        ("union StatusCheckRollupContext = User", "StatusCheckRollupContext: | User is not there"),
        ("input IssueOrder { field: IssueOrderField! }", "IssueOrder: direction: OrderDirection! is required"),
    ],
)
def test_what_is_not_as_github_has_it_is_named(github: Types, line: str, difference: str) -> None:
    (found,) = differences(types(parse(line)), github)

    assert found.endswith(difference)


def test_the_schema_is_whole() -> None:
    assert schema().query_type is not None
