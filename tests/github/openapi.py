"""GitHub's own description of its REST API (npm `@octokit/openapi`, OpenAPI 3.0), and answers checked against it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

FILE = Path(__file__).parent / "node/node_modules/@octokit/openapi/generated/api.github.com.json"
FORMATS = FormatChecker(formats=())
MANY_SEGMENTS = ("path", "ref", "basehead", "tree_sha")
"""Parameters that may hold slashes."""
CORRECTED = {
    "/app/installations": {"type": "array", "items": {"$ref": "#/components/schemas/installation"}},
}
"""Where the description is wrong: it has accounts there that are a user and an enterprise at once."""
Schema = dict[str, Any]


@FORMATS.checks("date-time")
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value) is not None


@FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[a-z]+://[^\s{}]+", value) is not None


@dataclass(frozen=True)
class Operation:
    template: str
    pattern: re.Pattern[str]
    described: dict[str, Any]
    """By method, in lower case."""


class Description:
    """Finds the operation for a request, and checks the answer."""

    def __init__(self, file: Path = FILE) -> None:
        self._document = json.loads(file.read_bytes())
        self._registry: Registry[Any] = Registry(retrieve=self._component)  # type: ignore[call-arg]

    @cached_property
    def _operations(self) -> list[Operation]:
        """The most literal first: `/pulls/comments` before `/pulls/{pull_number}`."""
        paths = sorted(self._document["paths"].items(), key=lambda item: (item[0].count("{"), -len(item[0])))
        found = []
        for template, described in paths:
            pattern = re.sub(r"\\{(\w+)\\}", _segment, re.escape(template))
            found.append(Operation(template, re.compile(pattern), described))
        return found

    def operation(self, method: str, path: str) -> Operation | None:
        matching = [one for one in self._operations if method.lower() in one.described and one.pattern.fullmatch(path)]
        return matching[0] if matching else None

    def errors(self, method: str, path: str, status: int, body: object) -> list[str]:
        """What is wrong with an answer; nothing if it is as described. `body` is None if there is none."""
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path}: GitHub has no such operation"]
        described = operation.described[method.lower()]["responses"].get(str(status))
        where = f"{method} {operation.template} {status}"
        if described is None:
            return [] if status >= 400 and _is_error(body) else [f"{where}: not described"]
        if "$ref" in described:
            described = self._document["components"]["responses"][described["$ref"].rpartition("/")[2]]
        content = described.get("content", {}).get("application/json")
        if content is None:
            return [] if body is None else [f"{where}: has a body"]
        if status >= 400 and not _is_error(body):
            return [f"{where}: no error object"]
        schema = CORRECTED.get(operation.template, content["schema"])
        validator = Draft4Validator(_draft4(schema), registry=self._registry, format_checker=FORMATS)
        found = cast(list[ValidationError], list(validator.iter_errors(body)))
        return [f"{where}: {_place(error)}: {error.message[-200:]}" for error in found if not _known(error)]

    def _component(self, uri: str) -> Resource[Any]:
        name = uri.removeprefix("urn:schema:")
        return Resource.from_contents(_draft4(self._document["components"]["schemas"][name]), DRAFT4)


def _segment(match: re.Match[str]) -> str:
    return {"path": ".*"}.get(match[1]) or (".+" if match[1] in MANY_SEGMENTS else "[^/]+")


def _draft4(schema: Any, *, closed: bool = True) -> Any:
    """OpenAPI 3.0's schema as JSON Schema: `nullable` becomes a type. Objects are closed, so that the stub can't invent
    members; those inside of `allOf` are not, since each part knows only its own.
    """  # fmt: skip
    if isinstance(schema, list):
        return [_draft4(item, closed=closed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": "urn:schema:" + schema["$ref"].rpartition("/")[2]}
    made: Schema = {}
    for name, value in schema.items():
        if name == "properties":
            made[name] = {inner: _draft4(item) for inner, item in value.items()}
        elif name in ("items", "allOf", "anyOf", "oneOf", "additionalProperties", "not"):
            made[name] = _draft4(value, closed=closed and name != "allOf")
        elif name not in ("example", "examples", "default", "nullable", "description"):
            made[name] = value
    if closed and "properties" in made:
        made.setdefault("additionalProperties", False)
    if not schema.get("nullable"):
        return made
    return {"anyOf": [{"type": "null"}, made]}


def _is_error(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("message"), str) and "documentation_url" in body


def _known(error: ValidationError) -> bool:
    """Where GitHub departs from its own description."""
    # Errors say their status since 2024.
    if error.validator == "additionalProperties" and "('status' was unexpected)" in error.message:
        return True
    # Null are the head's repository of a pull request once the fork is deleted, the line of an outdated comment, and a
    # body that was never written (in search results).
    place = list(error.absolute_path)
    return error.instance is None and (
        place[-2:] == ["head", "repo"] or place[-1:] in (["line"], ["position"], ["body"])
    )


def _place(error: ValidationError) -> str:
    inner = error
    while inner.context:
        inner = max(inner.context, key=lambda one: len(one.absolute_path))
    text = "/".join(map(str, inner.absolute_path)) or "."
    return text if inner is error else f"{text} ({inner.message[-150:]})"
