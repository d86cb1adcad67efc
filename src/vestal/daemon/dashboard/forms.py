"""What the dashboard's forms send."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from vestal.core.secret import Secret
from vestal.daemon.auth import session_of
from vestal.daemon.problem import Refusal
from vestal.daemon.routes.route import body_of, house_of

FIELD = "csrf"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, once its CSRF token is that of the session. Raises `Refusal` (400, 403, 408, 413, 415).

    A program on the Unix socket, or with a key, has no session, and nothing that a page of another site could make use of.
    """
    body = await body_of(request.scope, request.receive, house_of(request).limits)
    if body and request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise Refusal(415, "this is no form", remedy="use the buttons of the dashboard")
    try:
        fields = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        fields = {}
    sent = Secret(fields.pop(FIELD, ""))
    session = session_of(request.scope)
    if session is not None and sent != session.csrf:
        raise Refusal(403, "this form is too old", remedy="load the page again, and repeat what you did")
    return fields
