"""`GitHubAPIClient` and `AsyncGitHubAPIClient`: the same flows, blocking and awaited."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from vestal.core.secret import Secret
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.api import commits, contents, repository, statuses, tokens
from vestal.services.github.api.connection import REFRESH_BUFFER, Connection, Credentials, connect
from vestal.services.github.api.installed import sleep_of
from vestal.services.github.installations import Narrowing
from vestal.services.github.pool import GitHubTokenPool
from vestal.services.runner import AsyncRunner, Runner
from vestal.services.sender import APISender, AsyncAPISender
from vestal.services.steps import Steps, operation

if TYPE_CHECKING:
    from vestal.core.clock import Clock
    from vestal.core.pool import Pool
    from vestal.home import Home

T = TypeVar("T")
S = TypeVar("S")


class _Operations(Generic[S]):
    """What a client does, whoever takes the steps. `S`: what sends its requests."""

    def __init__(
        self,
        app_id: str | int | None = None,
        private_key: Secret | str | None = None,
        *,
        private_key_path: Path | str | None = None,
        app: str | None = None,
        base_url: str | None = None,
        home: Home | None = None,
        tokens: Sequence[Secret | str] | None = None,
        pool: Pool | GitHubTokenPool | None = None,
        sender: S | None = None,
        clock: Clock | None = None,
        refresh_buffer: float = REFRESH_BUFFER,
        permissions: Mapping[str, str] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """See `GitHubAPIClient`."""
        # Under the same names, so that no frame that may raise has them as text.
        private_key = Secret(private_key) if isinstance(private_key, str) else private_key
        tokens = tuple(map(_secret, tokens or ()))
        credentials = Credentials(
            app_id="" if app_id is None else str(app_id).strip(),
            private_key=private_key,
            private_key_path=None if private_key_path is None else Path(private_key_path),
            app=app or "",
            tokens=tokens,
            pool=pool.pool if isinstance(pool, GitHubTokenPool) else pool,
        )
        self.connection: Connection = connect(
            credentials,
            base_url=base_url,
            home=home,
            clock=clock,
            refresh_buffer=refresh_buffer,
            narrowing=Narrowing.of(permissions=permissions),
            environ=environ,
        )
        self._start(sender)

    def _start(self, sender: S | None) -> None:
        """Begin to send, with the caller's sender or with one of its own."""
        raise NotImplementedError

    def _close_own(self) -> None:
        if self.connection.own is not None:
            self.connection.own.close()

    get_installation = operation(tokens.get_installation)
    get_installation_token = operation(tokens.get_installation_token)
    _get_installation_token = get_installation_token
    refresh_installation_token = operation(tokens.refresh_installation_token)
    clear_token_cache = operation(tokens.clear_token_cache)
    cleanup_expired_tokens = operation(tokens.cleanup_expired_tokens)
    get_cached_token_info = operation(tokens.get_cached_token_info)
    get_all_cached_tokens_info = operation(tokens.get_all_cached_tokens_info)
    get_token_management_stats = operation(tokens.get_token_management_stats)

    get_commit_status = operation(statuses.get_commit_status)
    create_commit_status = operation(statuses.create_commit_status)
    fetch_commit_patches = operation(commits.fetch_commit_patches)
    compare = operation(commits.compare)
    _fetch_commit_comparison = compare
    fetch_file_contents = operation(contents.fetch_file_contents)
    fetch_multiple_file_contents = operation(contents.fetch_multiple_file_contents)
    list_folder = operation(contents.list_folder)
    get_repo_details = operation(repository.get_repo_details)
    fetch_repository_metadata = operation(repository.fetch_repository_metadata)
    identify_test_files = operation(repository.identify_test_files)


class GitHubAPIClient(_Operations[Callable[[APIRequest], APIResponse]]):
    """GitHub's API as an App, with the tokens of its installations kept alive; or with personal access tokens.

    >>> from vestal.services.github.api import GitHubAPIClient
    >>> with GitHubAPIClient(environ={"GITHUB_MOCK_MODE": "true"}) as github:
    ...     github.get_installation_token("acme", "widgets")
    'mock_installation_token_1'

    As whom: `app_id` (a number or a client id) with `private_key` (PEM) or `private_key_path`; or `app`, the name of an
    app in the home; or `tokens`, or a `GitHubTokenPool` of them as `pool`; or nothing, and the environment says
    (`vestal.services.github.config`). The app and its installations are credentials of `home` (None: the default one),
    shared by all processes that use it.

    `base_url`: for any GitHub but github.com. `sender`: what sends API requests, instead of a sender of its own.
    `refresh_buffer`: seconds before its expiry from which a token counts as expired. `permissions`: all that the tokens of
    installations are to be good for, like `{"contents": "read"}`; None: whatever was granted. `Unprocessable` is raised
    where an installation has less. Raises `ConfigError` for what can't be used. Every method may block, raises
    `VestalError`, and can be called from any thread.
    """

    def _start(self, sender: Callable[[APIRequest], APIResponse] | None) -> None:
        clock, mock = self.connection.clock, self.connection.mock
        self._sender = APISender(clock) if sender is None and mock is None else None
        send = sender or self._sender
        if mock is not None:
            send = mock.answering(send)
        assert send is not None
        self._runner = Runner(send, clock)

    def run(self, steps: Steps[T]) -> T:
        """Take the steps of a flow of one's own (`vestal.services.steps`)."""
        return self._runner.run(steps)

    def close(self) -> None:
        """Close the connections. The home goes on."""
        if self._sender is not None:
            self._sender.close()
        self._close_own()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncGitHubAPIClient(_Operations[Callable[[APIRequest], Awaitable[APIResponse]]]):
    """The same for asyncio: every method is awaited, and so is `sender`. The constructor reads files, briefly.

    For one event loop. Cancelling a call stops that call only.
    """

    def _start(self, sender: Callable[[APIRequest], Awaitable[APIResponse]] | None) -> None:
        clock, mock = self.connection.clock, self.connection.mock
        self._sender = AsyncAPISender(clock) if sender is None and mock is None else None
        send = sender or self._sender
        if mock is not None:
            send = mock.aanswering(send)
        assert send is not None
        self._runner = AsyncRunner(send, sleep_of(clock))

    async def arun(self, steps: Steps[T]) -> T:
        """Take the steps of a flow of one's own (`vestal.services.steps`)."""
        return await self._runner.arun(steps)

    async def close(self) -> None:
        """Close the connections. The home goes on."""
        if self._sender is not None:
            await self._sender.close()
        self._close_own()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


def _secret(text: Secret | str) -> Secret:
    return Secret(text) if isinstance(text, str) else text
