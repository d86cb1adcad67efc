"""Which installation reaches a repository: asked of GitHub once, remembered by repository and by account.

https://docs.github.com/en/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from vestal.core.errors import NotInstalled
from vestal.core.fork import Forked, tell
from vestal.core.pool import Pool
from vestal.services.github.api.flights import Flights
from vestal.services.github.api.installed import Installed
from vestal.services.github.call import API
from vestal.services.github.find import check_active, find_installation
from vestal.services.github.installations import Installation
from vestal.services.steps import Steps, do


class Lookup(Forked):
    """Finds and remembers installations. Safe for use from any thread and task.

    An installation belongs to an account. Where it reaches all of the account's repositories, one answer will do for all
    of them; where they were selected one by one, each is asked for.
    """

    def __init__(self, api: API, app_pool: Callable[[], Pool], install: Callable[[int], Installed]) -> None:
        """`app_pool`: the app's own pool, whose tokens are its JWTs; `install`: makes what is kept of an installation.

        Both may block.
        """
        self._api = api
        self._app_pool = app_pool
        self._install = install
        self._lock = threading.Lock()
        self._flights = Flights()
        self._by_repository: dict[str, Installed] = {}
        self._by_account: dict[str, Installed | None] = {}
        """None: each repository has to be asked for by itself."""
        self._by_id: dict[int, Installed] = {}
        tell(self)

    def find(self, owner: str, repo: str) -> Steps[Installed]:
        """The installation that reaches a repository.

        Raises `NotInstalled`, `PermissionDenied` (suspended) and what `call` raises.
        """
        repository, account = f"{owner}/{repo}".lower(), owner.lower()
        while True:
            found = self.known(owner, repo)
            if found is not None:
                return found
            # Until one answer says whether it holds for the whole account, the others wait for that.
            key = repository if account in self._by_account else account
            found = yield from self._flights.fly(key, repository, partial(self._ask, owner, repo))
            if found is not None:
                return found

    def known(self, owner: str, repo: str) -> Installed | None:
        """The same from memory; None if it has to be asked for."""
        found = self._by_repository.get(f"{owner}/{repo}".lower())
        if found is not None:
            return found
        found = self._by_account.get(owner.lower())
        if found is not None:
            with self._lock:
                self._by_repository[f"{owner}/{repo}".lower()] = found
        return found

    def all(self) -> dict[str, Installed]:
        """What is remembered, by repository (`owner/name`, in lower case)."""
        with self._lock:
            return dict(self._by_repository)

    def installations(self) -> list[Installed]:
        """The installations in hand, each once."""
        with self._lock:
            return list(self._by_id.values())

    def ask(self, repository: str, organization: str, user: str) -> Steps[Installation]:
        """What GitHub says of one installation now. Raises as `find_installation`."""
        pool = yield from do(self._app_pool)
        return (yield from find_installation(self._api, pool, repository, organization=organization, user=user))

    def drop(self, gone: Installed) -> None:
        """Forget an installation: GitHub says that it is gone or suspended, or its token has expired unused."""
        with self._lock:
            self._by_repository = {name: one for name, one in self._by_repository.items() if one is not gone}
            self._by_account = {name: one for name, one in self._by_account.items() if one is not gone}
            if self._by_id.get(gone.id) is gone:
                del self._by_id[gone.id]

    def drop_repository(self, owner: str, repo: str) -> None:
        """Forget what one repository belongs to, and what was concluded from its account."""
        with self._lock:
            self._by_repository.pop(f"{owner}/{repo}".lower(), None)
            self._by_account.pop(owner.lower(), None)

    def _ask(self, owner: str, repo: str) -> Steps[Installed]:
        """Ask GitHub with the app's JWT."""
        known = self.known(owner, repo)
        if known is not None:
            return known
        pool = yield from do(self._app_pool)
        try:
            told = check_active((yield from find_installation(self._api, pool, f"{owner}/{repo}")))
        except NotInstalled:
            with self._lock:
                self._by_account.setdefault(owner.lower(), None)
            raise
        found = self._by_id.get(told.id)
        if found is None:
            made = yield from do(partial(self._install, told.id))
            with self._lock:
                found = self._by_id.setdefault(told.id, made)
        self._remember(owner, repo, told, found)
        return found

    def _remember(self, owner: str, repo: str, told: Installation, found: Installed) -> None:
        with self._lock:
            self._by_repository[f"{owner}/{repo}".lower()] = found
            # A repository that was moved to another account says nothing of the one that it was looked for in.
            whole = told.repository_selection == "all" and told.account.lower() == owner.lower()
            self._by_account[owner.lower()] = found if whole else None

    def in_child(self) -> None:
        """After a fork: the thread that held the lock is not here."""
        self._lock = threading.Lock()
