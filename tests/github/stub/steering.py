"""What tests do to the stub: tokens, Apps, time, limits, faults. The same in-process and over HTTP (`control.py`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.github.stub import tokens
from tests.github.stub.apps import App, Apps, Installation
from tests.github.stub.clock import StubClock
from tests.github.stub.dump import dump
from tests.github.stub.faults import Fault, Faults
from tests.github.stub.generate import add_pulls
from tests.github.stub.limits import Bucket, Limits
from tests.github.stub.logged import Logged
from tests.github.stub.records import PullRequest, Repository, User
from tests.github.stub.service import Service
from tests.github.stub.tokens import Token
from tests.github.stub.world import World


class Steering:
    """All methods may be called from any thread, while clients run. Accounts and repositories are given by name."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def world(self) -> World:
        return self.service.world

    @property
    def clock(self) -> StubClock:
        return self.service.clock

    @property
    def apps(self) -> Apps:
        return self.service.apps

    @property
    def limits(self) -> Limits:
        return self.service.limits

    @property
    def faults(self) -> Faults:
        return self.service.faults

    @property
    def log(self) -> list[Logged]:
        """All requests, oldest first."""
        return self.service.log

    def add_pat(
        self,
        login: str,
        *,
        fine_grained: bool = False,
        expires_in: float | None = None,
        repositories: list[str] | None = None,
        permissions: dict[str, str] | None = None,
    ) -> str:
        """A personal access token. All tokens of one user share one quota. `repositories`: fine-grained only."""
        user = self._user(login)
        ids = None if repositories is None else frozenset(self.world.repository(name).id for name in repositories)
        expires_at = None if expires_in is None else float(int(self.clock.now() + expires_in))
        value, kind = (tokens.fine_grained(), "fine-grained") if fine_grained else (tokens.classic(), "classic")
        made = Token(value, kind, f"user:{user.id}", user, expires_at, permissions=permissions, repositories=ids)
        return self.service.tokens.keep(made).value

    def add_app(self, slug: str = "vestal-test", permissions: dict[str, str] | None = None, key_number: int = 0) -> App:
        """A GitHub App. `key_number`: Apps of the same number have the same key (keys are slow to make)."""
        with self.world.lock:
            return self.apps.register(slug, permissions, key_number)

    def install(
        self,
        app: App | int,
        account: str,
        repositories: list[str] | None = None,
        permissions: dict[str, str] | None = None,
    ) -> Installation:
        """Install an App in an account, for all of its repositories or for some (full names)."""
        with self.world.lock:
            within = None if repositories is None else [self.world.repository(name) for name in repositories]
            return self.apps.install(self._app(app), self._user(account), within, permissions)

    def suspend(self, installation: Installation | int, *, suspended: bool = True) -> None:
        self._installation(installation).suspended_at = int(self.clock.now()) if suspended else None

    def uninstall(self, installation: Installation | int) -> None:
        with self.world.lock:
            self.apps.uninstall(self._installation(installation))

    def revoke(self, token: str) -> bool:
        """Refuse a token from now on; whether there is such a token."""
        return self.service.tokens.revoke(token)

    def owner_of(self, token: str) -> str:
        """Whose quota a token uses: `user:ID` or `installation:ID`."""
        found = self.service.tokens.get(token)
        if found is None:
            raise ValueError("no such token")
        return found.owner

    def issue_user_token(self, app: App | int, login: str) -> dict[str, object]:
        """A pair of user-to-server tokens, as if the person had authorized the App."""
        return self.service.oauth.issue(self._app(app), self._user(login))

    def decide_device(self, user_code: str, login: str, *, approved: bool = True) -> None:
        """Let a person approve or deny a device."""
        devices = self.service.oauth.devices.values()
        device = next((device for device in devices if device.user_code == user_code), None)
        if device is None:
            raise ValueError("no such user code")
        device.denied = not approved
        device.user = self._user(login) if approved else None

    def add_repository(self, full_name: str, *, private: bool = False, pulls: int = 0) -> Repository:
        with self.world.lock:
            repository = self.world.add_repository(full_name, private=private)
            add_pulls(self.world, repository, pulls)
            return repository

    def rename(self, full_name: str, new_name: str) -> Repository:
        return self.world.rename(full_name, new_name)

    def add_pull(self, repository: str, title: str = "One more") -> PullRequest:
        return self.world.add_pull(self.world.repository(repository), title)

    def change_pull(self, repository: str, number: int, **changes: Any) -> PullRequest:
        """Set plain fields of a pull request; `updated_at` becomes now unless it is among them."""
        return self.world.change_pull(self.world.repository(repository), number, **changes)

    def set_limit(
        self,
        owner: str,
        resource: str = "core",
        limit: int | None = None,
        remaining: int | None = None,
        reset: int | None = None,
    ) -> Bucket:
        """One owner's bucket (`owner_of`). `reset`: epoch seconds."""
        self.limits.set(owner, resource, limit=limit, remaining=remaining, reset=reset)
        return self.limits.bucket(owner, resource)

    def configure(self, **settings: Any) -> None:
        """Set `latency`, `etag_by`, `limits_on_enterprise`; `lifetime`, `lag`, `stateless` of installation tokens;
        `window`, `search_window`, `enforce_secondary`, `retry_after`, `status` and `limits` (by resource). Raises
        `ValueError` if there is no such setting.
        """  # fmt: skip
        for name, value in settings.items():
            if name == "limits" and isinstance(value, Mapping):
                self.limits.limits.update(value)
                continue
            holders = (holder for holder in (self.service, self.apps, self.limits) if hasattr(holder, name))
            holder = next(holders, None)
            if holder is None:
                raise ValueError(f"no setting is called {name}")
            setattr(holder, name, value)

    def fault(self, kind: str, **about: Any) -> Fault:
        """Let something go wrong: see `Fault`."""
        return self.faults.add(Fault(kind, **about))

    def clear_faults(self) -> None:
        self.faults.clear()

    def advance(self, seconds: float) -> float:
        """Let time pass on the stub's clock; what it is now."""
        return self.clock.advance(seconds)

    def stop_clock(self, at: float | None = None) -> float:
        return self.clock.stop(at)

    def set_clock(self, moment: float) -> float:
        return self.clock.set(moment)

    def state(self) -> dict[str, Any]:
        """Now, counts of requests, mints and refusals, and all buckets."""
        with self.world.lock:
            cost: Counter[str] = Counter()
            for entry in self.log:
                cost[f"{entry.owner} {entry.resource}"] += entry.cost
            return {
                "now": self.clock.now(),
                "requests": len(self.log),
                "by_status": Counter(str(entry.status) for entry in self.log),
                "by_owner": Counter(entry.owner for entry in self.log),
                "cost": cost,
                "mints": {str(found.id): found.mints for found in self.apps.installations.values()},
                "limits": self.limits.state(),
            }

    def requests(self, since: int = 0) -> list[Logged]:
        """The log from that position on."""
        return self.log[since:]

    def clear_log(self) -> None:
        self.log.clear()
        self.limits.violations.clear()

    def dump(self, repository: str = "acme/widgets") -> dict[str, Any]:
        """A repository's pull requests with all that hangs on them, as JSON."""
        with self.world.lock:
            return dump(self.world.repository(repository))

    def _user(self, login: str) -> User:
        user = self.world.user(login)
        if user is None:
            raise ValueError(f"nobody is called {login}")
        return user

    def _app(self, app: App | int) -> App:
        return app if isinstance(app, App) else self.apps.apps[app]

    def _installation(self, installation: Installation | int) -> Installation:
        return installation if isinstance(installation, Installation) else self.apps.installations[installation]
