"""What users and repositories look like in REST answers, with all the addresses that GitHub gives them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.github.stub.apps import App, Installation
from tests.github.stub.records import Label, Milestone, Repository, User, iso, node_id

Json = dict[str, Any]
HTML = "https://github.com"
GHOST = User(10137, "ghost", "Deleted user")
"""Whom pull requests and issues of deleted accounts belong to in REST (GraphQL has null)."""
LICENSES = {"MIT": "MIT License", "Apache-2.0": "Apache License 2.0"}
_USER_URLS = {
    "followers_url": "/followers", "following_url": "/following{/other_user}", "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}", "subscriptions_url": "/subscriptions", "organizations_url": "/orgs",
    "repos_url": "/repos", "events_url": "/events{/privacy}", "received_events_url": "/received_events",
}  # fmt: skip
_REPOSITORY_URLS = {
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
    "downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}", "issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}", "languages_url": "/languages", "merges_url": "/merges",
    "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}", "subscribers_url": "/subscribers", "subscription_url": "/subscription",
    "tags_url": "/tags", "teams_url": "/teams", "trees_url": "/git/trees{/sha}",
}  # fmt: skip


class Show:
    """For one answer. `api`: what addresses begin with (`http://127.0.0.1:1234` or `http://127.0.0.1:1234/api/v3`)."""

    def __init__(self, api: str) -> None:
        self.api = api
        self._users: dict[int, Json] = {}
        self._repositories: dict[int, Json] = {}

    def user(self, user: User | None) -> Json | None:
        return None if user is None else self.simple_user(user)

    def author(self, user: User | None) -> Json:
        """Of a pull request or an issue."""
        return self.simple_user(GHOST if user is None else user)

    def simple_user(self, user: User) -> Json:
        shown = self._users.get(user.id)
        if shown is None:
            url = f"{self.api}/users/{user.login}"
            shown = self._users[user.id] = {
                "login": user.login, "id": user.id, "node_id": user.node_id, "avatar_url": user.avatar_url,
                "gravatar_id": "", "url": url, "html_url": f"{HTML}/{user.login}",
                **{name: url + path for name, path in _USER_URLS.items()},
                "type": user.type, "user_view_type": "public", "site_admin": False,
            }  # fmt: skip
        return shown

    def whole_user(self, user: User, created_at: int) -> Json:
        return {
            **self.simple_user(user), "name": user.name, "company": None, "blog": "", "location": None,
            "email": user.email, "hireable": None, "bio": None, "twitter_username": None, "public_repos": 2,
            "public_gists": 0, "followers": 0, "following": 0, "created_at": iso(created_at),
            "updated_at": iso(created_at),
        }  # fmt: skip

    def url(self, repository: Repository) -> str:
        return f"{self.api}/repos/{repository.full_name}"

    def repository(self, repository: Repository) -> Json:
        shown = self._repositories.get(repository.id)
        if shown is None:
            shown = self._repositories[repository.id] = self._repository(repository)
        return shown

    def whole_repository(self, repository: Repository) -> Json:
        return {**self.repository(repository), "network_count": 0, "subscribers_count": 0, "temp_clone_token": None}

    def _repository(self, repository: Repository) -> Json:
        url, html = self.url(repository), f"{HTML}/{repository.full_name}"
        opened = sum(pull.state == "open" for pull in repository.pulls.values())
        return {
            "id": repository.id, "node_id": repository.node_id, "name": repository.name,
            "full_name": repository.full_name, "private": repository.private,
            "owner": self.simple_user(repository.owner), "html_url": html, "description": repository.description,
            "fork": False, "url": url, **{name: url + path for name, path in _REPOSITORY_URLS.items()},
            "created_at": iso(repository.created_at), "updated_at": iso(repository.updated_at),
            "pushed_at": iso(repository.pushed_at), "git_url": f"git://github.com/{repository.full_name}.git",
            "ssh_url": f"git@github.com:{repository.full_name}.git", "clone_url": f"{html}.git", "svn_url": html,
            "homepage": None, "size": sum(map(len, repository.tree.values())) // 1024, "stargazers_count": 0,
            "watchers_count": 0, "language": next(iter(repository.languages), None), "has_issues": True,
            "has_projects": True, "has_downloads": True, "has_wiki": False, "has_pages": False,
            "has_discussions": False, "forks_count": 0, "mirror_url": None, "archived": False, "disabled": False,
            "open_issues_count": opened + len(repository.issues), "license": self.license(repository),
            "allow_forking": True, "is_template": False, "web_commit_signoff_required": False,
            "topics": list(repository.topics), "visibility": "private" if repository.private else "public",
            "forks": 0, "open_issues": opened + len(repository.issues), "watchers": 0,
            "default_branch": repository.default_branch,
        }  # fmt: skip

    def license(self, repository: Repository) -> Json | None:
        spdx = repository.license
        if spdx is None:
            return None
        return {
            "key": spdx.lower(), "name": LICENSES[spdx], "spdx_id": spdx, "url": f"{self.api}/licenses/{spdx.lower()}",
            "node_id": node_id("L", spdx),
        }  # fmt: skip

    def label(self, repository: Repository, label: Label) -> Json:
        return {
            "id": label.id, "node_id": label.node_id, "url": f"{self.url(repository)}/labels/{quote(label.name)}",
            "name": label.name, "color": label.color, "default": label.name == "bug", "description": f"Marks a {label.name}",
        }  # fmt: skip

    def milestone(self, repository: Repository, milestone: Milestone | None) -> Json | None:
        if milestone is None:
            return None
        url, path = self.url(repository), f"/milestones/{milestone.number}"
        moment = iso(milestone.created_at)
        return {
            "url": url + path, "html_url": f"{HTML}/{repository.full_name}/milestone/{milestone.number}",
            "labels_url": f"{url}{path}/labels", "id": milestone.id, "node_id": milestone.node_id,
            "number": milestone.number, "title": milestone.title, "description": None,
            "creator": self.user(milestone.creator), "open_issues": 1, "closed_issues": 0, "state": "open",
            "created_at": moment, "updated_at": moment, "due_on": None, "closed_at": None,
        }  # fmt: skip

    def app(self, app: App) -> Json:
        moment = iso(app.created_at)
        return {
            "id": app.id, "client_id": app.client_id, "slug": app.slug, "node_id": node_id("A", app.id),
            "owner": self.user(app.owner), "name": app.slug.replace("-", " ").title(), "description": "",
            "external_url": "https://example.com", "html_url": f"{HTML}/apps/{app.slug}", "created_at": moment,
            "updated_at": moment, "permissions": app.permissions, "events": ["pull_request"],
        }  # fmt: skip

    def installation(self, installation: Installation) -> Json:
        account, app, moment = installation.account, installation.app, iso(installation.created_at)
        return {
            "id": installation.id, "client_id": app.client_id, "account": self.user(account),
            "repository_selection": "all" if installation.repositories is None else "selected",
            "access_tokens_url": f"{self.api}/app/installations/{installation.id}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{HTML}/organizations/{account.login}/settings/installations/{installation.id}",
            "app_id": app.id, "app_slug": app.slug, "target_id": account.id, "target_type": account.type,
            "permissions": installation.permissions, "events": ["pull_request"], "created_at": moment,
            "updated_at": moment, "single_file_name": None, "has_multiple_single_files": False,
            "single_file_paths": [], "suspended_by": self.user(account) if installation.suspended_at else None,
            "suspended_at": iso(installation.suspended_at),
        }  # fmt: skip
