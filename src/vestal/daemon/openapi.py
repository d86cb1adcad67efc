"""What the OpenAPI says beside the routes themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from vestal.core.errors import Category
from vestal.daemon.routes.tokens import REFRESHED, TOKEN

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. Programs depend on `category`.",
    "required": ["type", "title", "status", "detail", "category", "retry_after", "remedy", "credential"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "category": {"type": "string", "enum": [category.value for category in Category]},
        "retry_after": {"type": ["number", "null"], "description": "Seconds after which trying again can help."},
        "remedy": {"type": "string", "description": "What to do."},
        "reason": {"type": "string", "description": "With NEEDS_LOGIN: missing, refused or interrupted refresh."},
        "credential": {"type": ["string", "null"]},
    },
}
_ANYTHING: dict[str, Any] = {"application/json": {"schema": {}}}
KEY = {"type": "http", "scheme": "bearer", "description": "An API key; not needed on the Unix socket."}


def describe(app: FastAPI) -> None:
    """Complete the app's OpenAPI."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            components = schema.setdefault("components", {})
            components["schemas"] = {
                **components.get("schemas", {}),
                "Problem": PROBLEM,
                "Token": TOKEN,
                "Refreshed": REFRESHED,
            }
            components["securitySchemes"] = {"key": KEY}
            schema["security"] = [{"key": []}]
            for response in _responses(schema):
                if response.get("content") == _ANYTHING:  # FastAPI's own idea of a route that says nothing of it
                    del response["content"]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _responses(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in schema["paths"].values():
        for operation in path.values():
            yield from operation["responses"].values()
