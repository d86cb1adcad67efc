"""Pull requests with PyGithub, one after the other, as the fetcher that Vestal's replaces does it.

Nothing is asked that its records do not hold: one pull request in full, its commits with their numbers, reviews, review
comments, files, and the check runs of the head commit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any


def fetch(base_url: str, token: str, repository: str, since: datetime) -> list[dict[str, Any]]:
    """All that were updated since then, drafts and open ones left out."""
    from github import Auth, Github

    client = Github(auth=Auth.Token(token), base_url=base_url, per_page=100, seconds_between_requests=0, retry=None)
    with client:
        repo = client.get_repo(repository)
        found = []
        for pull in repo.get_pulls(state="all", sort="updated", direction="desc"):
            if pull.updated_at is None or pull.updated_at < since:
                break
            if not pull.draft and pull.state != "open":
                found.append(_record(repo, pull))
        return found


def _record(repo: Any, pull: Any) -> dict[str, Any]:
    commits = [
        {
            "sha": commit.sha,
            "message": commit.commit.message,
            "author_login": commit.author.login if commit.author else None,
            "committed_at": commit.commit.committer.date,
            "additions": commit.stats.additions,  # asks for the commit itself: the list has no numbers
            "deletions": commit.stats.deletions,
        }
        for commit in pull.get_commits()
    ]
    return {
        "number": pull.number,
        "title": pull.title,
        "body": pull.body,
        "state": pull.state,
        "additions": pull.additions,  # asks for the pull request itself
        "deletions": pull.deletions,
        "changed_files": pull.changed_files,
        "author_login": pull.user.login if pull.user else None,
        "labels": [label.name for label in pull.labels],
        "commits": commits,
        "reviews": [(review.id, review.state, review.submitted_at, review.body) for review in pull.get_reviews()],
        "review_comments": [(comment.id, comment.path, comment.body) for comment in pull.get_review_comments()],
        "files": [(file.filename, file.status, file.additions, file.deletions) for file in pull.get_files()],
        "check_runs": [
            (run.id, run.name, run.status, run.conclusion) for run in repo.get_commit(pull.head.sha).get_check_runs()
        ],
    }
