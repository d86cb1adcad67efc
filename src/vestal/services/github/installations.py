"""Apps and their installations as credentials: their names, what narrows them, how they are made and found.

An app is one credential, which alone holds the key; each installation is one more, which names it:

    acme-bot                                      the app
    acme-bot/installation/42                      its installation 42, with all that was granted to it
    acme-bot/installation/42/3f9a0c51d2e7         the same, narrowed to some repositories or permissions
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError, HTTPError, Outcome
from vestal.core.secret import Secret
from vestal.services.github.app_jwt import read_pem
from vestal.services.github.place import Place

if TYPE_CHECKING:
    from vestal.home import Home

PROVIDER = "github_app"
APP_JWT, INSTALLATION = "app_jwt", "installation"
"""The grants: of an app, and of an installation."""

_NAME = re.compile(r"[^,/\s]+")

MOST_REPOSITORIES = 500
"""https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """What of an installation's reach a token gets. Empty: all of it. Make it with `of`, which puts it in order."""

    repositories: tuple[str, ...] = ()
    """Names without the owner, in lower case, sorted."""
    repository_ids: tuple[int, ...] = ()
    permissions: tuple[tuple[str, str], ...] = ()
    """Names and levels (`read`, `write`, `admin`), sorted."""

    @classmethod
    def of(
        cls,
        repositories: Iterable[str] = (),
        repository_ids: Iterable[int | str] = (),
        permissions: Mapping[str, str] | None = None,
    ) -> Narrowing:
        """The same for the same repositories and permissions in any order, case and number. Raises `ConfigError`."""
        names = {name.strip().rpartition("/")[2].lower() for name in repositories}
        ids = {str(number).strip() for number in repository_ids}
        if names and ids:
            raise ConfigError("repositories are given by name and by id", remedy="give one of the two")
        if max(len(names), len(ids)) > MOST_REPOSITORIES:
            raise ConfigError(
                f"a token can be narrowed to {MOST_REPOSITORIES} repositories at most",
                remedy="name fewer, or none for all that the installation reaches",
            )
        # An empty name must not come to mean all repositories.
        if not all(number.isascii() and number.isdigit() for number in ids) or not all(map(_NAME.fullmatch, names)):
            raise ConfigError("a repository is named by what is no name or id", remedy="check the narrowing")
        levels = {name.strip().lower(): level.strip().lower() for name, level in (permissions or {}).items()}
        if not all(name and level in ("read", "write", "admin") for name, level in levels.items()):
            raise ConfigError("a permission is not read, write or admin", remedy="write it like contents:read")
        return cls(
            repositories=tuple(sorted(names)),
            repository_ids=tuple(sorted({int(number) for number in ids})),
            permissions=tuple(sorted(levels.items())),
        )

    @classmethod
    def read(cls, settings: Mapping[str, str]) -> Narrowing:
        """From the settings of an installation's credential. Raises `ConfigError`."""
        repositories, ids, permissions = (
            [text for text in settings.get(name, "").split(",") if text.strip()]
            for name in ("repositories", "repository_ids", "permissions")
        )
        return cls.of(repositories, ids, dict(text.partition(":")[::2] for text in permissions))

    def settings(self) -> dict[str, str]:
        """As settings of a credential."""
        written = {
            "repositories": ",".join(self.repositories),
            "repository_ids": ",".join(map(str, self.repository_ids)),
            "permissions": ",".join(f"{name}:{level}" for name, level in self.permissions),
        }
        return {name: text for name, text in written.items() if text}

    def body(self) -> dict[str, object]:
        """As the body of the request for a token."""
        asked: dict[str, Collection[object]] = {
            "repositories": list(self.repositories),
            "repository_ids": list(self.repository_ids),
            "permissions": dict(self.permissions),
        }
        return {name: value for name, value in asked.items() if value}

    def fingerprint(self) -> str:
        """12 hexadecimal digits that name it; empty if nothing is narrowed."""
        asked = self.settings()
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12] if asked else ""


EVERYTHING = Narrowing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """An installation as GitHub describes it (https://docs.github.com/en/rest/apps/apps#get-an-installation-for-the-authenticated-app)."""

    id: int
    account: str
    """The login of the account, or the slug of an enterprise."""
    account_type: str = ""
    """`User`, `Organization` or `Enterprise`."""
    app_id: int | None = None
    app_slug: str = ""
    permissions: Mapping[str, str] = field(default_factory=dict)
    repository_selection: str = "all"
    """`all` or `selected`."""
    suspended_at: float | None = None
    """Epoch seconds."""
    html_url: str = ""
    """Where its owner configures it."""


def credential_name(app: str, installation_id: int | str, narrowing: Narrowing = EVERYTHING) -> str:
    """The name of an installation's credential."""
    fingerprint = narrowing.fingerprint()
    return f"{app}/installation/{installation_id}" + (f"/{fingerprint}" if fingerprint else "")


def add_app(
    home: Home, name: str, client_id: str, private_key: Secret, base_url: str = "", *, over: bool = False
) -> Credential:
    """Make an app's credential. `client_id` may be the app id as well; `base_url` is for any GitHub but github.com.

    Everything that can be checked here is checked before anything is saved. With `over`, the app takes the place of one of
    that name: its installations use the new key from then on. Raises `ConfigError`.
    """
    if not client_id.strip():
        raise ConfigError("there is no client id", remedy="it stands in the app's settings; the app id will do as well")
    settings = {"base_url": Place.of(base_url).api_url} if base_url.strip() else {}
    app = App(
        provider=PROVIDER,
        grant=APP_JWT,
        client_id=client_id.strip(),
        private_key=read_pem(private_key),
        settings=settings,
    )
    return home.add(name, app, over=over)


def ensure(home: Home, app: str, installation_id: int | str, narrowing: Narrowing = EVERYTHING) -> str:
    """See that an installation has its credential; the name of that. Any number of workers may do so at once.

    Raises `ConfigError` if there is no such app.
    """
    name = credential_name(app, installation_id, narrowing)
    if home.store.load(name) is not None:
        return name
    parent = home.lifecycle.load(app)
    if parent.app.provider != PROVIDER or parent.app.grant != APP_JWT:
        raise ConfigError("it is no GitHub App", credential=app, remedy="make one with `vestal github add-app`")
    settings = {"app": app, "installation_id": str(installation_id), **narrowing.settings()}
    failure: ConfigError | None = None
    try:
        home.add(name, App(provider=PROVIDER, grant=INSTALLATION, settings=settings))
    except ConfigError as error:
        failure = error.copy()
    if failure is not None and home.store.load(name) is None:  # else another worker has made it meanwhile
        raise failure
    return name


def lookup_path(*, repository: str = "", organization: str = "", user: str = "") -> str:
    """The path that tells which installation reaches a repository (`owner/name`), or belongs to an account.

    https://docs.github.com/en/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app, and what follows
    there. To be asked with the app's JWT; a 404 means that the app is not installed there. Raises `ConfigError`.
    """
    given = [text for text in (repository, organization, user) if text]
    if len(given) != 1:
        raise ConfigError("an installation is of one repository, organization or user", remedy="name exactly one")
    owner, slash, name = repository.partition("/")
    if repository and not (owner and slash and name and "/" not in name):
        raise ConfigError(f"{repository[:100]!r} is no repository", remedy="write it like acme/widgets")
    if repository:
        return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}/installation"
    return f"/{'orgs' if organization else 'users'}/{quote(given[0], safe='')}/installation"


def read_installation(data: object) -> Installation:
    """An installation from the JSON of GitHub's answer. Raises `HTTPError` for what is none."""
    fields: dict[str, Any] = data if isinstance(data, dict) else {}
    number, account = fields.get("id"), fields.get("account")
    if type(number) is not int:
        raise HTTPError(
            "GitHub's answer is no installation", remedy="check base_url: is this a GitHub?", outcome=Outcome.ANSWERED
        )
    account = account if isinstance(account, dict) else {}
    permissions = fields.get("permissions")
    app_id = fields.get("app_id")
    return Installation(
        id=number,
        account=_text(account, "login") or _text(account, "slug"),
        account_type=_text(fields, "target_type") or _text(account, "type"),
        app_id=app_id if type(app_id) is int else None,
        app_slug=_text(fields, "app_slug"),
        permissions=texts(permissions),
        repository_selection=_text(fields, "repository_selection") or "all",
        suspended_at=moment(fields.get("suspended_at")),
        html_url=_text(fields, "html_url"),
    )


def texts(value: object) -> dict[str, str]:
    """A JSON object whose values are text, such as permissions; what is none is left out."""
    found = value if isinstance(value, dict) else {}
    return {name: text for name, text in found.items() if isinstance(name, str) and isinstance(text, str)}


def moment(value: object) -> float | None:
    """A time as GitHub's API writes it (ISO 8601, UTC unless it says otherwise) as epoch seconds; None for what is none."""
    with suppress(ValueError, OverflowError):
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
