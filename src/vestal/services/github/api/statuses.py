"""The statuses of commits. https://docs.github.com/en/rest/commits/statuses"""

from __future__ import annotations

from typing import Any

from vestal.core.errors import ConfigError
from vestal.services.github.api.reach import Client, object_of, path_of, request, request_all
from vestal.services.github.call import Call
from vestal.services.steps import Steps

STATES = ("pending", "success", "error", "failure")

LONGEST_DESCRIPTION = 140
"""Characters. GitHub refuses longer ones (422: "description is too long (maximum is 140 characters)")."""


def get_commit_status(client: Client, owner: str, repo: str, sha: str) -> Steps[list[dict[str, Any]]]:
    """All statuses of a commit, the newest first, as GitHub has them: `state`, `context`, `description`, `target_url`,
    `creator`, `created_at`, ... `sha` may be a branch or a tag as well. Raises `VestalError`.
    """
    path = path_of(owner, repo, "commits", sha, "statuses")
    missing = f"the commit {sha} in {owner}/{repo}"
    return (yield from request_all(client, owner, repo, Call("GET", path), missing=missing, code="commit_not_found"))


def create_commit_status(
    client: Client,
    owner: str,
    repo: str,
    sha: str,
    state: str,
    target_url: str | None = None,
    description: str | None = None,
    context: str = "default",
) -> Steps[dict[str, Any]]:
    """Set the status of a commit under a context; the status as GitHub made it (201).

    `state` is pending, success, error or failure. A description is cut to the 140 characters that GitHub takes. What was
    sent and not answered is not sent again. Raises `ConfigError` for another state, before anything is sent, and
    `VestalError`.
    """
    if state not in STATES:
        raise ConfigError(f"{state[:40]!r} is no state of a commit", remedy="use one of " + ", ".join(STATES))
    body = {"state": state, "context": context}
    if target_url is not None:
        body["target_url"] = target_url
    if description is not None:
        body["description"] = description[:LONGEST_DESCRIPTION]
    missing = f"the commit {sha} in {owner}/{repo}"
    wanted = Call("POST", path_of(owner, repo, "statuses", sha), json=body)
    return object_of((yield from request(client, owner, repo, wanted, missing=missing, code="commit_not_found")))
