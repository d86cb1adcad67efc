"""`Place`: where a GitHub lives. github.com, an Enterprise Server, a tenant of ghe.com, or a stub on this machine. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from vestal import __version__
from vestal.core.errors import ConfigError
from vestal.core.loopback import is_loopback
from vestal.core.transport import Text
from vestal.oauth2.address import check_address, origin

API_VERSION = "2022-11-28"
"""The version that is asked for by name: what GitHub serves to those who name none, and Enterprise Servers know it too.
2026-03-10 takes fields away (https://docs.github.com/en/rest/about-the-rest-api/api-versions)."""

MEDIA_TYPE = "application/vnd.github+json"
"""https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#accept"""

USER_AGENT = f"vestal/{__version__}"
"""GitHub refuses requests without one
(https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent)."""

_ENTERPRISE = re.compile(r"(.*)/api/(v3|graphql|uploads)(/.*)?")
_TENANT = re.compile(r"(?:(?:api|uploads)\.)?([a-z0-9-]+\.ghe\.com)")
_SETTING = "base_url"


@dataclass(frozen=True, slots=True)
class Place:
    """The addresses of one GitHub, none with a slash at its end."""

    api_url: str = "https://api.github.com"
    """The root of the REST API."""
    graphql_url: str = "https://api.github.com/graphql"
    web_url: str = "https://github.com"
    """Where people go, and where OAuth lives (`/login/oauth/access_token`)."""
    uploads_url: str = "https://uploads.github.com"

    @classmethod
    def of(cls, text: str = "") -> Place:
        """The place that a person means by an address: of its API, of its pages, of a repository there, or just a host.

        Empty: github.com. An Enterprise Server is at `https://HOST/api/v3`
        (https://docs.github.com/en/enterprise-server@3.19/rest/enterprise-admin), a tenant with data residency at
        `https://api.SUBDOMAIN.ghe.com` (https://docs.github.com/en/enterprise-cloud@latest/rest). On this machine, http
        will do, and an address without `/api/v3` is itself the root of the API. Raises `ConfigError`.
        """
        text = text.strip()
        if not text:
            return cls()
        url = text if "://" in text else f"https://{text}"
        url = check_address(url.partition("#")[0].partition("?")[0], "address of GitHub", _SETTING)
        host, path = (urlsplit(url).hostname or "").rstrip("."), urlsplit(url).path.rstrip("/")
        if host == "github.com" or host.endswith(".github.com"):
            return cls()
        if tenant := _TENANT.fullmatch(host):
            name = tenant[1]
            return cls(
                f"https://api.{name}", f"https://api.{name}/graphql", f"https://{name}", f"https://uploads.{name}"
            )
        if host == "ghe.com" or host.endswith(".ghe.com"):
            raise ConfigError(f"{host} is no tenant of ghe.com", remedy=f"set {_SETTING}=https://api.SUBDOMAIN.ghe.com")
        enterprise = _ENTERPRISE.fullmatch(path)
        if enterprise is None and is_loopback(host):
            root = origin(url) + path
            return cls(root, f"{root}/graphql", root, root)
        web = origin(url) + (enterprise[1] if enterprise else "")
        return cls(f"{web}/api/v3", f"{web}/api/graphql", web, f"{web}/api/uploads")

    def url(self, path: str) -> str:
        """The address of a path of the REST API, such as `/app`."""
        return f"{self.api_url}/{path.removeprefix('/')}"

    def headers(self, accept: str = MEDIA_TYPE) -> dict[str, Text]:
        """What every request carries beside its Authorization."""
        return {"Accept": accept, "X-GitHub-Api-Version": API_VERSION, "User-Agent": USER_AGENT}

    def install_url(self, slug: str) -> str:
        """Where a person installs an app. Enterprise Servers have another path for it
        (https://docs.github.com/en/enterprise-server@3.19/apps/sharing-github-apps/sharing-your-github-app).
        """
        folder = "github-apps" if self.api_url.endswith("/api/v3") else "apps"
        return f"{self.web_url}/{folder}/{quote(slug, safe='')}/installations/new"
