"""REST for files: contents, trees, blobs, the readme and the licence.

https://docs.github.com/rest/repos/contents
"""

from __future__ import annotations

import base64
from urllib.parse import quote

from tests.github.stub.content import blob_sha, tree_sha
from tests.github.stub.records import Repository, node_id
from tests.github.stub.refs import commit_named
from tests.github.stub.refusal import Refused, not_found
from tests.github.stub.route import Call, route
from tests.github.stub.show import HTML, Json
from vestal.testing.practice.message import Answer

MOST_CONTENT = 1_000_000
"""Bytes; larger files come without content, and are to be had as raw or as a blob up to 100 MB."""


@route("GET", "/repos/{owner}/{repo}/contents")
@route("GET", "/repos/{owner}/{repo}/contents/{path*}")
def contents(call: Call) -> object:
    repository = _at_ref(call)
    path = call.path.get("path", "").strip("/")
    if path in repository.tree:
        return _file_answer(call, repository, path)
    entries = _children(repository, path)
    if not entries:
        raise not_found()
    return [
        _entry(call, repository, name, kind, len(repository.tree[name]) if kind == "file" else 0, sha)
        for name, kind, sha in entries
    ]


@route("GET", "/repos/{owner}/{repo}/readme")
def readme(call: Call) -> object:
    return _file_answer(call, _at_ref(call), "README.md")


@route("GET", "/repos/{owner}/{repo}/license")
def license_of(call: Call) -> object:
    repository = _at_ref(call)
    if repository.license is None:
        raise not_found()
    return {**_file(call, repository, "LICENSE"), "license": call.show.license(repository)}


@route("GET", "/repos/{owner}/{repo}/git/trees/{sha*}")
def tree(call: Call) -> object:
    repository, name = call.repository("contents"), call.path["sha"]
    folder = _folder_named(repository, name)
    if folder is None:
        commit_named(repository, name)
        folder = ""
    entries = _descendants(repository, folder) if call.query.get("recursive") else _children(repository, folder)
    url = call.show.url(repository)
    shown = []
    for path, kind, sha in entries:
        entry: Json = {"path": path.removeprefix(f"{folder}/"), "sha": sha}
        if kind == "file":
            entry |= {"mode": "100644", "type": "blob", "size": len(repository.tree[path])}
            entry["url"] = f"{url}/git/blobs/{sha}"
        else:
            entry |= {"mode": "040000", "type": "tree", "url": f"{url}/git/trees/{sha}"}
        shown.append(entry)
    sha = tree_sha(repository, folder)
    return {"sha": sha, "url": f"{url}/git/trees/{sha}", "tree": shown, "truncated": False}


@route("GET", "/repos/{owner}/{repo}/git/blobs/{sha}")
def blob(call: Call) -> object:
    repository, sha = call.repository("contents"), call.path["sha"]
    content = next((content for content in repository.tree.values() if blob_sha(content) == sha), None)
    if content is None:
        raise not_found()
    if "raw" in call.request.headers.get("accept", ""):
        return Answer(200, {"Content-Type": "application/vnd.github.raw"}, content)
    return {
        "sha": sha, "node_id": node_id("B", sha), "size": len(content),
        "url": f"{call.show.url(repository)}/git/blobs/{sha}", "content": _base64(content), "encoding": "base64",
    }  # fmt: skip


@route("GET", "/raw/{owner}/{repo}/{ref}/{path*}", free=True)
def download(call: Call) -> object:
    """Where `download_url` points: another host than the API at GitHub, another path here."""
    repository = call.repository("contents")
    content = repository.tree.get(call.path["path"])
    if content is None:
        raise not_found()
    return Answer(200, {"Content-Type": "application/octet-stream"}, content)


def _at_ref(call: Call) -> Repository:
    """The repository; all refs have the same files here. Raises `Refused` if there is no such ref."""
    repository = call.repository("contents")
    ref = call.query.get("ref") or repository.default_branch
    if not repository.history:
        raise Refused(404, "This repository is empty.")
    try:
        commit_named(repository, ref)
    except Refused:
        missing = f"No commit found for the ref {ref}"
    else:
        return repository
    raise Refused(404, missing)


def _file_answer(call: Call, repository: Repository, path: str) -> object:
    if "raw" in call.request.headers.get("accept", ""):
        return Answer(200, {"Content-Type": "application/vnd.github.raw; charset=utf-8"}, repository.tree[path])
    return _file(call, repository, path)


def _file(call: Call, repository: Repository, path: str) -> Json:
    content = repository.tree[path]
    entry = _entry(call, repository, path, "file", len(content), blob_sha(content))
    if len(content) > MOST_CONTENT:
        return {**entry, "content": "", "encoding": "none"}
    return {**entry, "content": _base64(content), "encoding": "base64"}


def _entry(call: Call, repository: Repository, path: str, kind: str, size: int, sha: str) -> Json:
    ref = call.query.get("ref") or repository.default_branch
    escaped = quote(path)
    url = f"{call.show.url(repository)}/contents/{escaped}?ref={ref}"
    node = "blobs" if kind == "file" else "trees"
    git = f"{call.show.url(repository)}/git/{node}/{sha}"
    html = f"{HTML}/{repository.full_name}/{node[:4]}/{ref}/{escaped}"
    raw = f"{call.service.url}/raw/{repository.full_name}/{ref}/{escaped}" if kind == "file" else None
    return {
        "name": path.rpartition("/")[2], "path": path, "sha": sha, "size": size, "url": url, "html_url": html,
        "git_url": git, "download_url": raw, "type": kind, "_links": {"self": url, "git": git, "html": html},
    }  # fmt: skip


def _children(repository: Repository, folder: str) -> list[tuple[str, str, str]]:
    """(path, `file` or `dir`, sha) of what lies directly in a folder."""
    depth = folder.count("/") + 1 if folder else 0
    return [entry for entry in _descendants(repository, folder) if entry[0].count("/") == depth]


def _descendants(repository: Repository, folder: str) -> list[tuple[str, str, str]]:
    prefix, found = f"{folder}/" if folder else "", {}
    for path, content in repository.tree.items():
        if path.startswith(prefix):
            found[path] = (path, "file", blob_sha(content))
            parents = path.removeprefix(prefix).split("/")[:-1]
            for n in range(len(parents)):
                parent = prefix + "/".join(parents[: n + 1])
                found[parent] = found.get(parent) or (parent, "dir", tree_sha(repository, parent))
    return sorted(found.values())


def _folder_named(repository: Repository, sha: str) -> str | None:
    """The folder whose tree has that name."""
    folders = ["", *(path for path, kind, _ in _descendants(repository, "") if kind == "dir")]
    return next((folder for folder in folders if tree_sha(repository, folder) == sha), None)


def _base64(content: bytes) -> str:
    """As GitHub encodes: lines of 60 characters."""
    text = base64.b64encode(content).decode()
    return "".join(f"{text[n : n + 60]}\n" for n in range(0, len(text), 60))
