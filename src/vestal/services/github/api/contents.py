"""The contents of files. https://docs.github.com/en/rest/repos/contents#get-repository-content"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, TypedDict

from vestal.core.errors import HTTPError, Unprocessable, VestalError
from vestal.services.exchange import APIResponse
from vestal.services.github.api.error_dict import error_dict
from vestal.services.github.api.reach import Client, object_of, objects, path_of, request
from vestal.services.github.call import Call
from vestal.services.steps import Steps, together

RAW = "application/vnd.github.raw+json"
"""The media type for the bytes themselves, of blobs up to 100 MB
(https://docs.github.com/en/rest/git/blobs#get-a-blob)."""

AT_ONCE = 8
"""Files that are fetched side by side."""


class FileContents(TypedDict):
    """One file."""

    content: str
    """The text; of a binary file, its bytes in base64."""
    encoding: str
    """`utf-8` or `base64`: what `content` is in."""
    size: int
    """Bytes."""
    sha: str
    """Of the blob."""
    type: str
    """`file`."""
    is_binary: bool
    """Whether it is anything but text in UTF-8."""
    download_url: str | None


class FileFailure(TypedDict):
    """In the place of a file that could not be had."""

    error: dict[str, Any]
    """See `error_dict`."""


def fetch_file_contents(
    client: Client, owner: str, repo: str, path: str, ref: str | None = None
) -> Steps[FileContents]:
    """A file, up to 100 MB, at a branch, tag or commit (the default branch). A symbolic link to a file gives that file.

    Raises `HTTPError` with code `file_not_found`, `Unprocessable` with code `not_a_file` for a folder, a submodule or a link
    to elsewhere, and `VestalError`.
    """
    wanted = Call("GET", path_of(owner, repo, "contents", path.strip("/")), query={"ref": ref} if ref else {})
    missing = f"the file {path} in {owner}/{repo}"
    answer = yield from request(client, owner, repo, wanted, missing=missing, code="file_not_found")
    if isinstance(answer.data, list):
        raise _not_a_file(path, "a folder")
    told = object_of(answer)
    if told.get("type") != "file" or told.get("submodule_git_url"):
        raise _not_a_file(path, _KINDS.get(str(told.get("type")), "something else"))
    if told.get("encoding") == "base64":
        content = _decoded(told.get("content"))
    else:  # above 1 MB there is none: its blob has it
        blob = Call("GET", path_of(owner, repo, "git", "blobs", str(told.get("sha"))), accept=RAW)
        content = (yield from request(client, owner, repo, blob, missing=missing, code="file_not_found")).body
    return _file(told, content)


def fetch_multiple_file_contents(
    client: Client, owner: str, repo: str, paths: Iterable[str], ref: str | None = None, at_once: int = AT_ONCE
) -> Steps[dict[str, FileContents | FileFailure]]:
    """Files by their paths, side by side. One that can't be had is an entry with `error`; the others are not affected."""
    wanted = list(dict.fromkeys(paths))
    found = yield from together([_or_failure(client, owner, repo, path, ref) for path in wanted], at_once)
    return dict(zip(wanted, found, strict=True))


def list_folder(
    client: Client, owner: str, repo: str, path: str = "", ref: str | None = None
) -> Steps[list[dict[str, Any]]]:
    """What lies directly in a folder, 1000 entries at most: `name`, `path`, `type` (file, dir, symlink, submodule), `size`,
    `sha`. Raises `VestalError`.
    """
    folder = path.strip("/")
    wanted = Call("GET", path_of(owner, repo, *filter(None, ("contents", folder))), query={"ref": ref} if ref else {})
    missing = f"the folder {path or '/'} in {owner}/{repo}"
    answer: APIResponse = yield from request(client, owner, repo, wanted, missing=missing, code="file_not_found")
    if not isinstance(answer.data, list):
        raise Unprocessable(f"{path} is no folder", remedy="fetch it as a file", code="not_a_folder")
    return objects(answer.data)


_KINDS = {"dir": "a folder", "submodule": "a submodule", "symlink": "a symbolic link that leads to no file here"}


def _or_failure(client: Client, owner: str, repo: str, path: str, ref: str | None) -> Steps[FileContents | FileFailure]:
    try:
        return (yield from fetch_file_contents(client, owner, repo, path, ref))
    except VestalError as error:
        return {"error": error_dict(error)}


def _not_a_file(path: str, kind: str) -> Unprocessable:
    return Unprocessable(f"{path} is {kind}, not a file", remedy="name a file", code="not_a_file")


def _decoded(content: object) -> bytes:
    try:
        return base64.b64decode(content if isinstance(content, str) else "")
    except ValueError:  # no base64 (binascii.Error), or no ASCII
        pass
    raise HTTPError("GitHub's answer holds no base64", remedy="ask again", code="malformed_data")


def _file(told: dict[str, Any], content: bytes) -> FileContents:
    try:
        text, encoding = content.decode("utf-8"), "utf-8"
        binary = "\0" in text
    except UnicodeDecodeError:
        binary = True
    if binary:
        text, encoding = base64.b64encode(content).decode(), "base64"
    return {
        "content": text,
        "encoding": encoding,
        "size": len(content),
        "sha": str(told.get("sha", "")),
        "type": "file",
        "is_binary": binary,
        "download_url": told.get("download_url"),
    }
