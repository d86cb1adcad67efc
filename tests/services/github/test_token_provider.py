"""Tokens that people made, through the real lifecycle, against the stub."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.github.stub.tokens import Token as Given
from tests.github.stub.tokens import classic, fine_grained
from tests.services.github.hub import URL, Hub
from vestal.core.clock import SystemClock
from vestal.core.credential import App, Credential
from vestal.core.errors import AuthFailed, ConfigError, NeedsLogin, PermissionDenied, RateLimited
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.services.github.token_provider import GitHubTokenProvider, kind

APP = App(provider="github_token", settings={"base_url": URL})
NOW = 1_800_000_000.0


@pytest.fixture
def hub() -> Hub:
    return Hub()


def issue(hub: Hub, value: str, kind: str = "classic", lifetime: float | None = None) -> Given:
    user = hub.service.world.users["octocat"]
    expires_at = None if lifetime is None else hub.clock.now() + lifetime
    return hub.service.tokens.keep(Given(value, kind, f"user:{user.id}", user, expires_at))


def add(hub: Hub, value: str, *, over: bool = False) -> None:
    hub.home.add("pat", APP, Secret(value), over=over)


def test_a_classic_token_is_validated_and_given_out_as_it_is(hub: Hub) -> None:
    value = classic()
    issue(hub, value)
    add(hub, value)
    token = hub.home.token("pat")
    assert token.access_token == Secret(value)
    assert (token.expires_at, token.scope) == (None, "repo")
    user = hub.service.world.users["octocat"]
    assert hub.stored("pat").extra == {"login": "octocat", "user_id": user.id, "kind": "classic", "scopes": ["repo"]}
    assert hub.asked() == [("GET", "/user", 200)]
    hub.clock.advance(10 * 86400)
    assert hub.home.token("pat") is token
    assert len(hub.log) == 1


def test_a_fine_grained_token_says_when_it_ends(hub: Hub) -> None:
    value = fine_grained()
    issue(hub, value, "fine-grained", 30 * 86400.0)
    add(hub, value)
    assert hub.home.token("pat").expires_at == pytest.approx(hub.clock.now() + 30 * 86400)
    assert hub.stored("pat").extra["kind"] == "fine-grained"
    assert "scopes" not in hub.stored("pat").extra


def test_its_end_is_corrected_by_githubs_clock(hub: Hub) -> None:
    hub.github_clock.skew = 3600.0
    value = fine_grained()
    issue(hub, value, "fine-grained", 30 * 86400.0)
    add(hub, value)
    assert hub.home.token("pat").expires_at == pytest.approx(hub.clock.now() + 30 * 86400 - 3600)


def test_an_installations_token_is_nobodys(hub: Hub) -> None:
    value = hub.apps.mint(hub.app, hub.installation.id, {}).value
    add(hub, value)
    assert hub.home.token("pat").access_token == Secret(value)
    assert hub.stored("pat").extra == {"kind": "installation"}
    assert hub.asked() == [("GET", "/user", 403)]


def test_a_refused_token_needs_a_person_and_is_not_asked_for_again(hub: Hub) -> None:
    value = classic()
    add(hub, value)
    for _ in range(3):
        with pytest.raises(NeedsLogin) as caught:
            hub.home.token("pat")
        assert caught.value.reason == "refused"
        assert f"{URL}/settings/tokens/new" in caught.value.remedy
        assert f"`vestal github add-token pat --token-file - --base-url {URL} --replace`" in caught.value.remedy
        assert value not in str(caught.value)
    assert len(hub.log) == 1
    another = classic()
    issue(hub, another)
    add(hub, another, over=True)
    assert hub.home.token("pat").access_token == Secret(another)


def test_a_refusal_that_a_caller_met_is_looked_into(hub: Hub) -> None:
    """If GitHub still takes the token, it is given out again as a new version; if not, a person is needed."""
    value = fine_grained()
    given_token = issue(hub, value, "fine-grained")
    add(hub, value)
    first = hub.home.token("pat")
    hub.clock.advance(600)
    second = hub.home.token("pat", newer_than=first.version)
    assert (second.version, second.access_token) == (first.version + 1, first.access_token)
    given_token.revoked = True
    hub.clock.advance(600)
    with pytest.raises(NeedsLogin) as caught:
        hub.home.token("pat", newer_than=second.version)
    assert "/settings/personal-access-tokens/new" in caught.value.remedy


def test_a_service_that_refuses_a_good_token_is_not_asked_in_a_loop(hub: Hub) -> None:
    value = classic()
    issue(hub, value)
    add(hub, value)
    token = hub.home.token("pat")
    token = hub.home.token("pat", newer_than=token.version)
    for _ in range(10):
        with pytest.raises(AuthFailed):
            hub.home.token("pat", newer_than=token.version)
    assert len(hub.log) == 2


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [(403, {"retry-after": "90"}, RateLimited), (403, {}, PermissionDenied), (429, {}, RateLimited)],
)
def test_other_refusals_say_nothing_of_the_token(
    hub: Hub, status: int, headers: dict[str, str], kind: type[Exception]
) -> None:
    add(hub, classic())
    hub.before = lambda request: Response(status, headers, Secret('{"message": "No."}'), hub.clock.now())
    with pytest.raises(kind):
        hub.home.token("pat")
    assert hub.stored("pat").refused == ()


def test_what_can_not_work_is_not_saved(hub: Hub) -> None:
    for token in (None, Secret(""), Secret("two words"), Secret("ghp_ä"), Secret("a\nb")):
        with pytest.raises(ConfigError) as caught:
            hub.home.add("pat", APP, token)
        assert caught.value.remedy
    assert hub.home.store.names() == []


def test_nothing_is_at_stake() -> None:
    provider, credential = GitHubTokenProvider(), Credential(name="pat", app=APP, refresh_token=Secret("x"))
    assert provider.at_stake(credential) is None
    assert not provider.rotates(credential)
    assert provider.needs(credential) is None
    assert provider.endpoint(credential) == URL
    other = Credential(name="pat", app=APP, refresh_token=Secret("y"))
    assert provider.client_fingerprint(credential) != provider.client_fingerprint(other)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("ghp_x", "classic"),
        ("github_pat_x", "fine-grained"),
        ("gho_x", "oauth"),
        ("ghu_x", "user-to-server"),
        ("ghs_1_x.y.z", "installation"),
        ("0123456789abcdef0123456789abcdef01234567", "unknown"),
    ],
)
def test_kinds(value: str, what: str) -> None:
    assert kind(Secret(value)) == what


def lifetime(text: str) -> float | None:
    """What becomes of the header."""
    headers = {"github-authentication-token-expiration": text, "date": formatdate(NOW, usegmt=True)}
    credential = Credential(name="pat", app=APP, refresh_token=Secret("ghp_x"))
    answer = Response(200, headers, Secret("{}"), NOW)
    return GitHubTokenProvider().refresh(credential, lambda request: answer, SystemClock()).expires_in


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d %H:%M:%S UTC",
        "%Y-%m-%d %H:%M:%S +0000",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S+00:00",
        "%a, %d %b %Y %H:%M:%S GMT",
    ],
)
def test_the_forms_of_the_end(form: str) -> None:
    assert lifetime(datetime.fromtimestamp(NOW + 86400, UTC).strftime(form)) == 86400


def test_an_end_with_an_offset() -> None:
    assert lifetime("2027-01-16 10:00:00 +0200") == lifetime("2027-01-16 08:00:00 UTC")


@given(st.text() | st.from_regex(r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\Z"))
def test_any_text_is_an_end_or_none(text: str) -> None:
    found = lifetime(text)
    assert found is None or found > 0


@pytest.mark.parametrize(
    ("base_url", "apis"),
    [
        ("", ("https://api.github.com", "https://api.github.com/graphql", "https://uploads.github.com")),
        ("http://127.0.0.1:81", ("http://127.0.0.1:81", "http://127.0.0.1:81/graphql")),
    ],
)
def test_where_a_token_is_for(base_url: str, apis: tuple[str, ...]) -> None:
    credential = Credential(name="pat", app=App(provider="github_token", settings={"base_url": base_url}))
    assert GitHubTokenProvider().apis(credential) == apis
