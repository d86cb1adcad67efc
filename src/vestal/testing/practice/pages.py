"""The pages that a person sees: plain HTML forms, for a browser and for a script."""

from __future__ import annotations

from html import escape

from vestal.testing.practice.message import NO_STORE, Answer, Form
from vestal.testing.practice.state import PASSWORD, USER, Authorization

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    # No form-action: browsers apply it to the redirect that follows the form, and would block the way to the client.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    **NO_STORE,
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} - practice server</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem}}
label{{display:block;margin:.6rem 0}}input{{display:block;font:inherit;width:100%;box-sizing:border-box}}
button{{font:inherit;padding:.3rem 1.2rem;margin:1rem .6rem 0 0}}.problem{{color:#a00}}</style></head>
<body><h1>{title}</h1>{content}
<p><small>A practice server: nothing here is real.</small></p></body></html>
"""
_LOGIN = f"""<label>Name <input name="username" value="{USER}" autocomplete="off"></label>
<label>Password <input name="password" type="password" value="{PASSWORD}" autocomplete="off"></label>
<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button>"""


def logged_in(form: Form) -> bool:
    """Whether name and password are those of the one person there is."""
    return form.get("username") == USER and form.get("password") == PASSWORD


def consent(page: str, authorization: Authorization, problem: str = "") -> Answer:
    """Log in, and allow or deny what a client asks for."""
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in authorization.scope.split())
    return _page(
        "Log in",
        f"{_problem(problem)}<p><b>{escape(authorization.client_id)}</b> asks for:</p><ul>{scopes}</ul>"
        f'<form method="post" action="/authorize"><input type="hidden" name="page" value="{escape(page)}">'
        f"{_LOGIN}</form>",
    )


def device(user_code: str, problem: str = "") -> Answer:
    """Type the code that a device shows, and allow or deny it."""
    return _page(
        "Connect a device",
        f'{_problem(problem)}<form method="post" action="/device"><label>Code '
        f'<input name="user_code" value="{escape(user_code)}" autocomplete="off"></label>{_LOGIN}</form>',
    )


def note(title: str, text: str, status: int = 200) -> Answer:
    """A page that says something."""
    return _page(title, f"<p>{escape(text)}</p>", status)


def _problem(text: str) -> str:
    return f'<p class="problem">{escape(text)}</p>' if text else ""


def _page(title: str, content: str, status: int = 200) -> Answer:
    return Answer(status, _HEADERS, _PAGE.format(title=escape(title), content=content).encode())
