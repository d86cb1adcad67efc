"""Asking GitHub, as an app, which installation reaches a repository or belongs to an account.

https://docs.github.com/en/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app, and what follows there.
"""

from __future__ import annotations

from vestal.core.errors import NotInstalled, PermissionDenied, VestalError
from vestal.core.pool import Pool
from vestal.services.github.call import API, Call, call
from vestal.services.github.installations import Installation, lookup_path, read_installation
from vestal.services.steps import Steps


def find_installation(
    api: API, app: Pool, repository: str = "", *, organization: str = "", user: str = ""
) -> Steps[Installation]:
    """The installation of one repository (`owner/name`), organization or user; it may be suspended.

    `app`: the app's own pool, whose tokens are its JWTs. Raises `NotInstalled`, `ConfigError`, and as `call`.
    """
    path = lookup_path(repository=repository, organization=organization, user=user)
    try:
        response = yield from call(api, app, Call("GET", path))
    except VestalError as error:
        trouble = error
    else:
        return read_installation(response.data)
    if trouble.code != "not_found":
        raise trouble
    if repository:
        raise NotInstalled(
            f"the app is not installed on {repository}, or there is no such repository",
            remedy="check the name; install the app there, or add the repository to its installation",
            code="not_installed",
        )
    raise NotInstalled(
        f"the app is not installed in {organization or user}, or there is no such account",
        remedy="check the name, or install the app there",
        code="not_installed",
    )


def check_active(installation: Installation) -> Installation:
    """The installation. Raises `PermissionDenied` if it is suspended."""
    if installation.suspended_at is None:
        return installation
    raise PermissionDenied(
        f"installation {installation.id} of the app in {installation.account} has been suspended",
        remedy="who suspended it can lift that: the account's owner, under Settings, Applications, or the app's owner",
        code="suspended",
    )
