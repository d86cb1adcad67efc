"""What pull requests, issues, reviews and review comments look like in REST answers."""

from __future__ import annotations

from tests.github.stub.records import Issue, PullRequest, Repository, Review, ReviewComment, User, iso
from tests.github.stub.show import HTML, Json, Show


def association(repository: Repository, user: User | None) -> str:
    if user is repository.owner:
        return "OWNER"
    return "NONE" if user is None else "COLLABORATOR" if user in repository.collaborators else "CONTRIBUTOR"


def pull(show: Show, repository: Repository, pull: PullRequest) -> Json:
    """As in a list: without counts."""
    repo, html = show.url(repository), f"{HTML}/{repository.full_name}/pull/{pull.number}"
    url, issue = f"{repo}/pulls/{pull.number}", f"{repo}/issues/{pull.number}"
    urls = {
        "html": html, "issue": issue, "comments": f"{issue}/comments", "review_comments": f"{url}/comments",
        "review_comment": f"{repo}/pulls/comments{{/number}}", "commits": f"{url}/commits",
        "statuses": f"{repo}/statuses/{pull.head_sha}",
    }  # fmt: skip
    owner = repository.owner
    shown = show.repository(repository)
    assignees = [show.user(user) for user in pull.assignees]
    return {
        "url": url, "id": pull.id, "node_id": pull.node_id, "html_url": html, "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch", **{f"{name}_url": urls[name] for name in urls}, "number": pull.number,
        "state": pull.state, "locked": False, "title": pull.title, "user": show.author(pull.author),
        "body": pull.body, "created_at": iso(pull.created_at), "updated_at": iso(pull.updated_at),
        "closed_at": iso(pull.closed_at), "merged_at": iso(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha, "assignee": assignees[0] if assignees else None,
        "assignees": assignees, "requested_reviewers": [], "requested_teams": [],
        "labels": [show.label(repository, label) for label in pull.labels],
        "milestone": show.milestone(repository, pull.milestone), "draft": pull.draft,
        "head": {
            "label": f"{owner.login}:{pull.head_ref}", "ref": pull.head_ref, "sha": pull.head_sha,
            "user": show.user(owner), "repo": None if pull.head_deleted else shown,
        },
        "base": {
            "label": f"{owner.login}:{pull.base_ref}", "ref": pull.base_ref, "sha": pull.base_sha,
            "user": show.user(owner), "repo": shown,
        },
        "_links": {"self": {"href": url}, **{name: {"href": urls[name]} for name in urls}},
        "author_association": association(repository, pull.author), "auto_merge": None, "active_lock_reason": None,
    }  # fmt: skip


def whole_pull(show: Show, repository: Repository, found: PullRequest) -> Json:
    return {
        **pull(show, repository, found), "merged": found.merged, "mergeable": None if found.merged else True,
        "rebaseable": None if found.merged else True, "mergeable_state": "unknown" if found.merged else "clean",
        "merged_by": show.user(found.merged_by), "comments": 0, "review_comments": len(found.comments),
        "maintainer_can_modify": False, "commits": len(found.commits), "additions": found.additions,
        "deletions": found.deletions, "changed_files": found.changed_files,
    }  # fmt: skip


def review(show: Show, repository: Repository, pull: PullRequest, review: Review) -> Json:
    html = f"{HTML}/{repository.full_name}/pull/{pull.number}#pullrequestreview-{review.id}"
    url = f"{show.url(repository)}/pulls/{pull.number}"
    shown: Json = {
        "id": review.id, "node_id": review.node_id, "user": show.user(review.user), "body": review.body,
        "state": review.state, "html_url": html, "pull_request_url": url,
        "author_association": association(repository, review.user),
        "_links": {"html": {"href": html}, "pull_request": {"href": url}}, "commit_id": review.commit_sha,
    }  # fmt: skip
    if review.submitted_at is not None:
        shown["submitted_at"] = iso(review.submitted_at)
    return shown


def comment(show: Show, repository: Repository, pull: PullRequest, comment: ReviewComment) -> Json:
    url = f"{show.url(repository)}/pulls/comments/{comment.id}"
    html = f"{HTML}/{repository.full_name}/pull/{pull.number}#discussion_r{comment.id}"
    of = f"{show.url(repository)}/pulls/{pull.number}"
    shown: Json = {
        "url": url, "pull_request_review_id": comment.review_id, "id": comment.id, "node_id": comment.node_id,
        "diff_hunk": "@@ -1 +1 @@", "path": comment.path, "commit_id": comment.commit_sha,
        "original_commit_id": comment.commit_sha, "user": show.user(comment.user), "body": comment.body,
        "created_at": iso(comment.created_at), "updated_at": iso(comment.updated_at), "html_url": html,
        "pull_request_url": of, "author_association": association(repository, comment.user),
        "_links": {"self": {"href": url}, "html": {"href": html}, "pull_request": {"href": of}},
        "start_line": None, "original_start_line": None, "start_side": None, "line": comment.line,
        "original_line": comment.line or 1, "side": "RIGHT", "position": comment.line, "original_position": 1,
        "subject_type": "line",
    }  # fmt: skip
    if comment.in_reply_to is not None:
        shown["in_reply_to_id"] = comment.in_reply_to
    return shown


def issue(show: Show, repository: Repository, item: Issue | PullRequest) -> Json:
    """An issue, or a pull request as the issue that it is too."""
    is_pull = isinstance(item, PullRequest)
    url = f"{show.url(repository)}/issues/{item.number}"
    html = f"{HTML}/{repository.full_name}/{'pull' if is_pull else 'issues'}/{item.number}"
    labels = item.labels if isinstance(item, PullRequest) else []
    assignees = [show.user(user) for user in item.assignees] if isinstance(item, PullRequest) else []
    shown: Json = {
        "url": url, "repository_url": show.url(repository), "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments", "events_url": f"{url}/events", "html_url": html, "id": item.id,
        "node_id": item.node_id, "number": item.number, "title": item.title, "user": show.author(item.author),
        "labels": [show.label(repository, label) for label in labels], "state": item.state, "locked": False,
        "assignee": assignees[0] if assignees else None, "assignees": assignees,
        "milestone": show.milestone(repository, item.milestone) if isinstance(item, PullRequest) else None,
        "comments": 0, "created_at": iso(item.created_at), "updated_at": iso(item.updated_at),
        "closed_at": iso(item.closed_at), "author_association": association(repository, item.author),
        "active_lock_reason": None, "body": item.body,
    }  # fmt: skip
    if isinstance(item, PullRequest):
        of = f"{show.url(repository)}/pulls/{item.number}"
        shown["draft"] = item.draft
        shown["pull_request"] = {
            "url": of, "html_url": html, "diff_url": f"{html}.diff", "patch_url": f"{html}.patch",
            "merged_at": iso(item.merged_at),
        }  # fmt: skip
    return shown
