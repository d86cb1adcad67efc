"""What commits, files, statuses and check runs look like in REST answers."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from tests.github.stub.apps import App
from tests.github.stub.records import CheckRun, Commit, File, Repository, Status, User, iso
from tests.github.stub.show import HTML, Json, Show


def commit(show: Show, repository: Repository, commit: Commit) -> Json:
    url, html = f"{show.url(repository)}/commits/{commit.sha}", f"{HTML}/{repository.full_name}/commit"
    git = f"{show.url(repository)}/git"
    person = {"name": commit.author_name, "email": commit.author_email}
    author = show.user(commit.author)
    return {
        "sha": commit.sha, "node_id": commit.node_id,
        "commit": {
            "author": {**person, "date": iso(commit.authored_at)},
            "committer": {**person, "date": iso(commit.committed_at)},
            "message": commit.message, "tree": {"sha": commit.sha[::-1], "url": f"{git}/trees/{commit.sha[::-1]}"},
            "url": f"{git}/commits/{commit.sha}", "comment_count": 0,
            "verification": {
                "verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None,
            },
        },
        "url": url, "html_url": f"{html}/{commit.sha}", "comments_url": f"{url}/comments", "author": author,
        "committer": author,
        "parents": [
            {"sha": sha, "url": f"{show.url(repository)}/commits/{sha}", "html_url": f"{html}/{sha}"}
            for sha in commit.parents
        ],
    }  # fmt: skip


def whole_commit(show: Show, repository: Repository, found: Commit, files: Sequence[File]) -> Json:
    """With the given files."""
    return {
        **commit(show, repository, found),
        "stats": {
            "total": found.additions + found.deletions,
            "additions": found.additions,
            "deletions": found.deletions,
        },
        "files": [file(show, repository, one, found.sha) for one in files],
    }


def files_of(commit: Commit) -> list[File]:
    """A commit's files; for those of generated pull requests, one file with the sums."""
    if commit.files or len(commit.parents) > 1 or not commit.additions + commit.deletions:
        return commit.files
    patch = f"@@ -1,{commit.deletions} +1,{commit.additions} @@\n-old\n+new"
    return [File("src/changed.py", "modified", commit.additions, commit.deletions, patch, commit.sha[::-1])]


def file(show: Show, repository: Repository, file: File, sha: str) -> Json:
    path, html = quote(file.filename), f"{HTML}/{repository.full_name}"
    shown: Json = {
        "sha": file.sha, "filename": file.filename, "status": file.status, "additions": file.additions,
        "deletions": file.deletions, "changes": file.additions + file.deletions,
        "blob_url": f"{html}/blob/{sha}/{path}", "raw_url": f"{html}/raw/{sha}/{path}",
        "contents_url": f"{show.url(repository)}/contents/{path}?ref={sha}",
    }  # fmt: skip
    if file.patch is not None:
        shown["patch"] = file.patch
    if file.previous_filename is not None:
        shown["previous_filename"] = file.previous_filename
    return shown


def simple_status(show: Show, repository: Repository, status: Status, sha: str) -> Json:
    return {
        "url": f"{show.url(repository)}/statuses/{sha}", "avatar_url": _avatar(status.creator), "id": status.id,
        "node_id": status.node_id, "state": status.state, "description": status.description,
        "target_url": status.target_url, "context": status.context, "created_at": iso(status.created_at),
        "updated_at": iso(status.updated_at),
    }  # fmt: skip


def status(show: Show, repository: Repository, status: Status, sha: str) -> Json:
    return {**simple_status(show, repository, status, sha), "creator": show.user(status.creator)}


def check_run(show: Show, repository: Repository, app: App | None, run: CheckRun, sha: str) -> Json:
    url, html = f"{show.url(repository)}/check-runs/{run.id}", f"{HTML}/{repository.full_name}/runs/{run.id}"
    return {
        "id": run.id, "name": run.name, "node_id": run.node_id, "head_sha": sha, "external_id": "", "url": url,
        "html_url": html, "details_url": html, "status": run.status, "conclusion": run.conclusion,
        "started_at": iso(run.started_at), "completed_at": iso(run.completed_at),
        "output": {
            "title": None, "summary": None, "text": None, "annotations_count": 0, "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run.id + 1}, "app": show.app(app) if app is not None else None, "pull_requests": [],
    }  # fmt: skip


def _avatar(user: User | None) -> str | None:
    return None if user is None else user.avatar_url
