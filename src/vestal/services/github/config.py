"""What the environment says of GitHub: read once, checked at the start, all that is wrong told at once.

These are the variables:

    GITHUB_APP_ID             the app's id, a number; or
    GITHUB_CLIENT_ID          its client id (`Iv...`), if there is no app id
    GITHUB_PRIVATE_KEY_PATH   the file with the app's private key (PEM)
    GITHUB_TOKEN              a personal access token instead of an app; several are divided by commas
    GITHUB_API_BASE_URL       for any GitHub but github.com
    GITHUB_WEBHOOK_SECRET     kept for programs that receive webhooks
    GITHUB_MOCK_MODE          1, true, yes or on: nothing is sent, tokens are invented
    GITHUB_MAX_RETRIES        how often a call is tried again (3)
    GITHUB_RATE_LIMIT_BUFFER  how many requests of each quota are left alone (10)
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret, secret_or_none
from vestal.services.github.place import Place

MAX_RETRIES, RATE_LIMIT_BUFFER = 3, 10

_APP_ID = re.compile(r"[0-9]{1,20}|Iv[A-Za-z0-9.]{6,60}")
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_LARGEST_KEY = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubConfig:
    """How to reach GitHub, and as whom. Checked: what stands in it can be used."""

    app_id: str = ""
    """The app id or the client id; GitHub takes either
    (https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app)."""
    private_key: Secret | None = None
    """PEM."""
    tokens: tuple[Secret, ...] = ()
    """Personal access tokens; not used beside an app."""
    base_url: str = ""
    """Empty: github.com."""
    webhook_secret: Secret | None = None
    mock_mode: bool = False
    max_retries: int = MAX_RETRIES
    rate_limit_buffer: int = RATE_LIMIT_BUFFER


def read_config(environ: Mapping[str, str] = os.environ, *, credentials: bool = True) -> GitHubConfig:
    """The configuration that the environment describes. `credentials`: whether it has to say as whom.

    Raises one `ConfigError` that names everything that is wrong, and no value of it.
    """
    wrong: list[str] = []
    get = {name: text.strip() for name, text in environ.items() if name.startswith("GITHUB_")}.get
    mock = _flag("GITHUB_MOCK_MODE", get("GITHUB_MOCK_MODE", ""), wrong)
    app_id = get("GITHUB_APP_ID", "") or get("GITHUB_CLIENT_ID", "")
    tokens = tuple(Secret(part.strip()) for part in get("GITHUB_TOKEN", "").split(",") if part.strip())
    key_path = get("GITHUB_PRIVATE_KEY_PATH", "")
    private_key = None
    if credentials and not mock and (app_id or key_path):
        private_key = _app(app_id, key_path, wrong)
    if credentials and not mock and not (app_id or key_path or tokens):
        wrong.append("GITHUB_APP_ID and GITHUB_PRIVATE_KEY_PATH are missing (or GITHUB_TOKEN instead)")
    base_url = get("GITHUB_API_BASE_URL", "")
    _place(base_url, wrong)
    config = GitHubConfig(
        app_id=app_id,
        private_key=private_key,
        tokens=tokens,
        base_url=base_url,
        webhook_secret=secret_or_none(environ.get("GITHUB_WEBHOOK_SECRET")),
        mock_mode=mock,
        max_retries=_number("GITHUB_MAX_RETRIES", get("GITHUB_MAX_RETRIES", ""), MAX_RETRIES, wrong),
        rate_limit_buffer=_number(
            "GITHUB_RATE_LIMIT_BUFFER", get("GITHUB_RATE_LIMIT_BUFFER", ""), RATE_LIMIT_BUFFER, wrong
        ),
    )
    if wrong:
        raise ConfigError(
            "the environment's settings for GitHub can't be used: " + "; ".join(wrong), remedy="set or mend them"
        )
    return config


def check_app_id(app_id: str) -> str:
    """`app_id`, if it is an app id (a number) or a client id (`Iv...`). Raises `ConfigError`."""
    if not _APP_ID.fullmatch(app_id):
        raise ConfigError(
            "the app id is neither a number nor a client id (Iv...)",
            remedy="both stand in the app's settings on GitHub",
        )
    return app_id


def read_private_key(path: Path) -> Secret:
    """The private key in a file. Raises `ConfigError`, which names the file, for one that is missing or holds no PEM."""
    trouble, key = "", Secret("")
    try:
        with path.expanduser().open("rb") as file:
            key = Secret(file.read(_LARGEST_KEY).decode("utf-8", "replace").strip())
    except (OSError, RuntimeError) as error:
        trouble = getattr(error, "strerror", None) or "it can't be read"
    if not trouble and not key.reveal().startswith("-----BEGIN"):
        trouble = "it does not begin with -----BEGIN"
    if trouble:
        raise ConfigError(
            f"the private key file {path}: {trouble}",
            remedy="give the .pem file that GitHub made: the app's settings, Private keys",
        )
    return key


def _app(app_id: str, key_path: str, wrong: list[str]) -> Secret | None:
    """The app's key; what is wrong with either goes to `wrong`."""
    if not app_id:
        wrong.append("GITHUB_APP_ID is missing beside GITHUB_PRIVATE_KEY_PATH")
    elif not _APP_ID.fullmatch(app_id):
        wrong.append("GITHUB_APP_ID (or GITHUB_CLIENT_ID) is neither a number nor a client id (Iv...)")
    if not key_path:
        wrong.append("GITHUB_PRIVATE_KEY_PATH is missing beside GITHUB_APP_ID")
        return None
    try:
        return read_private_key(Path(key_path))
    except ConfigError as error:
        wrong.append(f"GITHUB_PRIVATE_KEY_PATH: {error.message}")
    return None


def _place(base_url: str, wrong: list[str]) -> None:
    try:
        Place.of(base_url)
    except ConfigError as error:
        wrong.append(f"GITHUB_API_BASE_URL: {error.message}")


def _flag(name: str, text: str, wrong: list[str]) -> bool:
    if text.lower() not in _YES + _NO:
        wrong.append(f"{name} is neither true nor false")
    return text.lower() in _YES


def _number(name: str, text: str, default: int, wrong: list[str]) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        wrong.append(f"{name} is no number from 0 to 99999")
        return default
    return int(text)
