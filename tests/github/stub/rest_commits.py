"""REST for commits: their files, statuses and check runs, and comparisons.

https://docs.github.com/rest/commits
"""

from __future__ import annotations

from tests.github.stub.records import Commit, File, Repository, Status
from tests.github.stub.refs import ancestors, between, commit_named
from tests.github.stub.refusal import Refused, not_found
from tests.github.stub.route import Call, route
from tests.github.stub.show import HTML
from tests.github.stub.show_commits import check_run, commit, file, files_of, simple_status, status, whole_commit

MOST_FILES = 3000
FILES_A_PAGE = 300
MOST_COMPARED = 250


@route("GET", "/repos/{owner}/{repo}/commits/{sha*}/check-runs")
def check_runs(call: Call) -> object:
    repository, found = _commit(call, "checks")
    runs = repository.pulls[repository.head_of[found.sha]].check_runs if found.sha in repository.head_of else []
    runs = [run for run in runs if call.query.get("status") in (None, run.status)]
    app = call.service.checks_app()
    shown = [check_run(call.show, repository, app, run, found.sha) for run in call.pages(runs)]
    return {"total_count": len(runs), "check_runs": shown}


@route("GET", "/repos/{owner}/{repo}/statuses/{sha}")  # the former path, which PyGithub uses to this day
@route("GET", "/repos/{owner}/{repo}/commits/{sha*}/statuses")
def statuses(call: Call) -> object:
    repository, found = _commit(call, "statuses")
    return [status(call.show, repository, one, found.sha) for one in call.pages(repository.statuses.get(found.sha, []))]


@route("GET", "/repos/{owner}/{repo}/commits/{sha*}/status")
def combined_status(call: Call) -> object:
    repository, found = _commit(call, "statuses")
    latest: dict[str, Status] = {}
    for one in repository.statuses.get(found.sha, []):
        latest.setdefault(one.context, one)
    states = {one.state for one in latest.values()}
    state = "failure" if states & {"error", "failure"} else "success" if states == {"success"} else "pending"
    url = f"{call.show.url(repository)}/commits/{found.sha}"
    shown = [simple_status(call.show, repository, one, found.sha) for one in call.pages(list(latest.values()))]
    return {
        "state": state, "statuses": shown, "sha": found.sha, "total_count": len(latest),
        "repository": call.show.repository(repository), "commit_url": url, "url": f"{url}/status",
    }  # fmt: skip


@route("POST", "/repos/{owner}/{repo}/statuses/{sha}")
def create_status(call: Call) -> object:
    repository = call.repository("statuses", "write")
    sha, body, now = call.path["sha"], call.body(), int(call.service.clock.now())
    if sha not in repository.commits:
        raise Refused(422, f"No commit found for SHA: {sha}")
    if body.get("state") not in ("error", "failure", "pending", "success"):
        error = {
            "resource": "Status",
            "code": "custom",
            "field": "state",
            "message": "state is not included in the list",
        }
        raise Refused(422, "Validation Failed", errors=[error])
    made = Status(
        call.service.world.next_id(), body["state"], str(body.get("context") or "default"), body.get("description"),
        body.get("target_url"), call.caller.user, now, now,
    )  # fmt: skip
    repository.statuses.setdefault(sha, []).insert(0, made)
    call.status = 201
    return status(call.show, repository, made, sha)


@route("GET", "/repos/{owner}/{repo}/commits")
def commits(call: Call) -> object:
    repository = call.repository("contents")
    start = commit_named(repository, call.query.get("sha") or repository.default_branch)
    return [commit(call.show, repository, found) for found in call.pages(list(ancestors(repository, start).values()))]


@route("GET", "/repos/{owner}/{repo}/commits/{sha*}")
def one_commit(call: Call) -> object:
    repository, found = _commit(call, "contents")
    files = call.pages(files_of(found)[:MOST_FILES], most=FILES_A_PAGE, default=FILES_A_PAGE)
    return whole_commit(call.show, repository, found, files)


@route("GET", "/repos/{owner}/{repo}/compare/{range*}")
def compare(call: Call) -> object:
    repository = call.repository("contents")
    base_name, dots, head_name = call.path["range"].partition("...")
    try:
        base, head = commit_named(repository, base_name), commit_named(repository, head_name)
    except Refused:
        dots = ""
    if not dots:
        raise not_found()
    ahead, behind, parted = between(repository, base, head)
    paged = "page" in call.query or "per_page" in call.query
    # the last ones if there are more than fit
    shown = call.pages(ahead) if paged else ahead[-MOST_COMPARED:]
    files = _changed(ahead)[:FILES_A_PAGE] if call.query.get("page", "1") == "1" else []
    url, html = call.show.url(repository), f"{HTML}/{repository.full_name}/compare/{base_name}...{head_name}"
    state = "identical" if not ahead and not behind else "diverged" if ahead and behind else None
    return {
        "url": f"{url}/compare/{base_name}...{head_name}", "html_url": html, "permalink_url": html,
        "diff_url": f"{html}.diff", "patch_url": f"{html}.patch",
        "base_commit": commit(call.show, repository, base), "merge_base_commit": commit(call.show, repository, parted),
        "status": state or ("ahead" if ahead else "behind"), "ahead_by": len(ahead), "behind_by": behind,
        "total_commits": len(ahead), "commits": [commit(call.show, repository, found) for found in shown],
        "files": [file(call.show, repository, one, head.sha) for one in files],
    }  # fmt: skip


def _commit(call: Call, permission: str) -> tuple[Repository, Commit]:
    repository = call.repository(permission)
    return repository, commit_named(repository, call.path["sha"])


def _changed(commits: list[Commit]) -> list[File]:
    """The files that the commits change, each once."""
    return list({file.filename: file for commit in commits for file in files_of(commit)}.values())
