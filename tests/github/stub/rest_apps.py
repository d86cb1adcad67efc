"""REST for Apps, installations and the one who asks."""

from __future__ import annotations

from tests.github.stub.apps import App, Installation
from tests.github.stub.records import iso
from tests.github.stub.refusal import Refused, not_found
from tests.github.stub.route import Call, route
from tests.github.stub.show import Json
from vestal.testing.practice.message import Answer


def _app(call: Call) -> App:
    assert call.caller.app_id is not None
    return call.service.apps.apps[call.caller.app_id]


@route("GET", "/app", app=True)
def app(call: Call) -> object:
    own = _app(call)
    return {**call.show.app(own), "installations_count": len(call.service.apps.of(own))}


@route("GET", "/app/installations", app=True)
def installations(call: Call) -> object:
    return [call.show.installation(found) for found in call.pages(call.service.apps.of(_app(call)))]


@route("GET", "/app/installations/{id}", app=True)
def installation(call: Call) -> object:
    return call.show.installation(_own(call))


@route("DELETE", "/app/installations/{id}", app=True)
def uninstall(call: Call) -> object:
    call.service.apps.uninstall(_own(call))
    return Answer(204)


@route("GET", "/repos/{owner}/{repo}/installation", app=True)
def of_repository(call: Call) -> object:
    # An App sees the repositories that it is installed on, however private; a former name is redirected.
    apps, own, world = call.service.apps, _app(call), call.service.world
    name = f"{call.path['owner']}/{call.path['repo']}".lower()
    while name in world.moved and name not in world.repositories:
        name = world.moved[name]
    for found in apps.of(own):
        repository = next((repo for repo in apps.within(found) if repo.full_name.lower() == name), None)
        if repository is not None:
            call.moved_unless(repository)
            return call.show.installation(found)
    raise not_found()


@route("GET", "/orgs/{org}/installation", app=True)
def of_organization(call: Call) -> object:
    return _of_account(call, call.path["org"], ("Organization",))


@route("GET", "/users/{user}/installation", app=True)
def of_user(call: Call) -> object:
    return _of_account(call, call.path["user"], ("User", "Organization"))


@route("POST", "/app/installations/{id}/access_tokens", app=True)
def access_tokens(call: Call) -> object:
    if not call.path["id"].isdigit():
        raise not_found()
    wish = call.request.headers.get("x-github-stateless-s2s-token")
    apps, body = call.service.apps, call.body()
    token = apps.mint(_app(call), int(call.path["id"]), body, stateless=None if wish is None else wish == "enabled")
    found = apps.installations[int(call.path["id"])]
    narrowed = "repositories" in body or "repository_ids" in body
    call.status = 201
    answer: Json = {
        "token": token.value, "expires_at": iso(token.expires_at), "permissions": token.permissions,
        "repository_selection": "selected" if narrowed or found.repositories is not None else "all",
    }  # fmt: skip
    if narrowed:
        within = [repo for repo in apps.within(found) if token.repositories and repo.id in token.repositories]
        answer["repositories"] = [call.show.repository(repo) for repo in within]
    return answer


@route("GET", "/installation/repositories")
def repositories(call: Call) -> object:
    found, token = _current(call), call.caller.token
    assert token is not None
    within = [r for r in call.service.apps.within(found) if token.repositories is None or r.id in token.repositories]
    return {
        "total_count": len(within),
        "repository_selection": "all" if found.repositories is None else "selected",
        "repositories": [call.show.repository(repo) for repo in call.pages(within)],
    }


@route("DELETE", "/installation/token")
def revoke(call: Call) -> object:
    _current(call)
    assert call.caller.token is not None
    call.caller.token.revoked = True
    return Answer(204)


@route("GET", "/user")
def user(call: Call) -> object:
    if call.caller.token is None:
        raise Refused(401, "Requires authentication")
    if call.caller.user is None:
        raise Refused(403, "Resource not accessible by integration")
    return call.show.whole_user(call.caller.user, call.service.started_at)


@route("GET", "/user/installations")
def user_installations(call: Call) -> object:
    token = call.caller.token
    if token is None or token.kind != "user-to-server":
        raise Refused(403, "You must authenticate with an access token authorized to a GitHub App")
    every = call.service.apps.installations.values()
    found = [one for one in every if one.app.id == token.app_id]
    return {"total_count": len(found), "installations": [call.show.installation(one) for one in call.pages(found)]}


@route("GET", "/users/{user}")
def users(call: Call) -> object:
    found = call.service.world.user(call.path["user"])
    if found is None:
        raise not_found()
    return call.show.whole_user(found, call.service.started_at)


@route("GET", "/rate_limit", free=True)
def rate_limit(call: Call) -> object:
    limits, owner = call.service.limits, call.caller.owner
    resources = {name: limits.shown(owner, name) for name in limits.limits}
    answer: Json = {"resources": resources}
    if call.version < "2026-03-10":
        answer["rate"] = resources["core"]
    return answer


def _own(call: Call) -> Installation:
    found = call.service.apps.installations.get(int(call.path["id"])) if call.path["id"].isdigit() else None
    if found is None or found.app is not _app(call):
        raise not_found()
    return found


def _of_account(call: Call, login: str, types: tuple[str, ...]) -> Json:
    for found in call.service.apps.of(_app(call)):
        if found.account.login.lower() == login.lower() and found.account.type in types:
            return call.show.installation(found)
    raise not_found()


def _current(call: Call) -> Installation:
    token = call.caller.token
    found = call.service.apps.installations.get(token.installation_id or 0) if token else None
    if found is None:
        raise Refused(403, "You must authenticate with an installation access token in order to list repositories for "
                           "an installation.")  # fmt: skip
    return found
