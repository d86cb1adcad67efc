"""What a query costs, told from its text and variables alone, before anything of it runs.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api: every connection is taken to be
as long as its `first` or `last` says. The nodes of a query are the sum of all connections' lengths, each times the
lengths of those around it; its cost is the number of requests that fetch all connections, one for each parent, divided by
100 and rounded to the nearest whole number, and at least 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)

PAGE = frozenset({"nodes", "edges", "pageInfo", "totalCount"})
"""What only a connection has."""

Variables = Mapping[str, object]


class Cost(NamedTuple):
    """What a query is charged for."""

    points: int
    nodes: int


def cost_and_nodes(document: DocumentNode, variables: Variables, operation_name: str | None = None) -> Cost:
    """The points that GitHub charges for a query, and the nodes it may return at most (GitHub's `nodeCount`).

    The document is a valid one. Raises `LookupError` if it is not clear which of its operations is meant.
    """
    operation = _operation(document, operation_name)
    defaults = {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value
    }
    counting = _Counting(document, {**defaults, **variables})
    requests, nodes = counting.below([operation.selection_set], 1)
    return Cost(max(1, (requests + 50) // 100), nodes)


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    named = [node for node in operations if name is None or (node.name and node.name.value == name)]
    if len(named) != 1:
        raise LookupError("the document has no such operation, or several and none was named")
    return named[0]


class _Counting:
    """Counts requests and nodes of one operation."""

    def __init__(self, document: DocumentNode, variables: Variables) -> None:
        self._variables = variables
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def below(self, selections: Iterable[SelectionSetNode | None], parents: int) -> tuple[int, int]:
        """Requests and nodes of what is selected on each of so many parents."""
        requests = nodes = 0
        fields: dict[tuple[str, str], list[FieldNode]] = {}
        for selection in selections:
            for field in self._fields(selection.selections if selection else ()):
                # the same connection under the same name is fetched once, however many fragments ask for it
                fields.setdefault(
                    (field.alias.value if field.alias else field.name.value, field.name.value), []
                ).append(field)
        for same in fields.values():
            length = self._length(same[0])
            more_requests, more_nodes = self.below((field.selection_set for field in same), parents * (length or 1))
            if length is not None:
                more_requests, more_nodes = more_requests + parents, more_nodes + parents * length
            elif (ids := self._number_of_ids(same[0])) is not None:
                more_requests, more_nodes = self.below((field.selection_set for field in same), parents * ids)
            requests, nodes = requests + more_requests, nodes + more_nodes
        return requests, nodes

    def _fields(self, selections: Iterable[SelectionNode]) -> Iterator[FieldNode]:
        """The fields of a selection set and of the fragments in it, whatever types they are on."""
        for selection in selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                yield from self._fields(selection.selection_set.selections)
            elif isinstance(selection, FragmentSpreadNode):
                yield from self._fields(self._fragments[selection.name.value].selection_set.selections)

    def _included(self, selection: SelectionNode) -> bool:
        for directive in selection.directives or ():
            if directive.name.value in ("skip", "include"):
                condition = directive.arguments[0].value if directive.arguments else BooleanValueNode(value=True)
                if bool(self._value(condition)) != (directive.name.value == "include"):
                    return False
        return True

    def _length(self, field: FieldNode) -> int | None:
        """How long a connection is taken to be: 0 if it is only counted. None: the field is no connection."""
        for name in ("first", "last"):
            if isinstance(length := self._argument(field, name), int):
                return max(0, length)
        below = self._fields(field.selection_set.selections if field.selection_set else ())
        return 0 if any(selected.name.value in PAGE for selected in below) else None

    def _number_of_ids(self, field: FieldNode) -> int | None:
        """For `nodes(ids:)`, how many."""
        ids = self._argument(field, "ids")
        return len(ids) if field.name.value == "nodes" and isinstance(ids, list) else None

    def _argument(self, field: FieldNode, name: str) -> object:
        for argument in field.arguments or ():
            if argument.name.value == name:
                return self._value(argument.value)
        return None

    def _value(self, node: ValueNode) -> object:
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value)
        if isinstance(node, IntValueNode):
            return int(node.value)
        if isinstance(node, BooleanValueNode):
            return node.value
        if isinstance(node, ListValueNode):
            return [self._value(item) for item in node.values]
        return None
