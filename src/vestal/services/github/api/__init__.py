"""GitHub's API: tokens of installations, statuses, commits, files and repositories; one file for each noun."""

from vestal.services.github.api.client import AsyncGitHubAPIClient, GitHubAPIClient
from vestal.services.github.api.error_dict import error_dict

__all__ = ["AsyncGitHubAPIClient", "GitHubAPIClient", "error_dict"]
