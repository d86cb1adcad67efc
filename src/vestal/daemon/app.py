"""The daemon's ASGI app."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from vestal.core.errors import ConfigError, VestalError
from vestal.daemon.auth import Gate, defect, send_problem
from vestal.daemon.house import House
from vestal.daemon.problem import Refusal

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send


def make_app(house: House, more: Iterable[APIRouter] = ()) -> ASGIApp:
    """The API, and the routers of others beside it (they find `house` in `request.app.state`), behind one gate.

    Raises `ConfigError` if the extra `daemon` is not installed.
    """
    missing = ""
    try:
        from vestal.daemon.routes.tokens import shortcut

        return Gate(house, _routes(house, more), shortcut(house))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("vestal"):
            raise
        missing = error.name or "a package"
    raise ConfigError(f"the daemon needs {missing}", remedy="pip install 'vestal[daemon]'")


def _routes(house: House, more: Iterable[APIRouter]) -> FastAPI:
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException

    from vestal.daemon.dashboard import pages
    from vestal.daemon.openapi import describe
    from vestal.daemon.routes import (
        bare_token,
        credentials,
        events,
        forward_auth,
        health,
        logins,
        metrics,
        proxy,
        sessions,
        token_cache,
        tokens,
    )

    app = FastAPI(title="Vestal", version=house.version, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.house = house
    for part in (
        tokens,
        bare_token,
        logins,
        credentials,
        events,
        forward_auth,
        proxy,
        sessions,
        health,
        metrics,
        token_cache,
        pages,
    ):
        app.include_router(part.router)
    for router in more:
        app.include_router(router)
    describe(app)
    app.add_exception_handler(VestalError, _answer)
    app.add_exception_handler(HTTPException, _of_starlette)
    app.add_exception_handler(Exception, _of_defect)
    return app


def openapi(house: House) -> dict[str, Any]:
    """The API's description. Raises `ConfigError` as `make_app`."""
    return _routes(house, ()).openapi()


def _answer(request: Request, error: Exception) -> Any:
    """An error of ours, as a problem."""
    assert isinstance(error, VestalError)
    return _Problem(error)


def _of_starlette(request: Request, error: Exception) -> Any:
    """No such route (404), or not with that method (405)."""
    from starlette.exceptions import HTTPException

    assert isinstance(error, HTTPException)
    return _Problem(Refusal(error.status_code, str(error.detail), headers=error.headers, remedy="see /openapi.json"))


def _of_defect(request: Request, error: Exception) -> Any:
    """An error that nobody foresaw. Its text may hold anything; the gate logs its kind and place."""
    return _Problem(defect(error))


class _Problem:
    """An answer that is an error."""

    def __init__(self, error: VestalError) -> None:
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_problem(self._error, send)
