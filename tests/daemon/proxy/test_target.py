from __future__ import annotations

import posixpath
import re
import string
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.daemon.problem import Refusal
from vestal.daemon.proxy.target import PARTS, Aim, Base, aims, homeward, target

ACME = Base.of("https://api.acme.example")
DEEP = Base.of("https://acme.example:8443/api/v3/")
GRAPH = Base.of("https://acme.example:8443/api/graphql")
BASES = (ACME, DEEP, GRAPH)

_ALNUM = string.ascii_letters + string.digits
_PART = st.builds(str.__add__, st.sampled_from(_ALNUM), st.text(_ALNUM + "._@:+-", max_size=6))
NAMES = st.lists(_PART, min_size=1, max_size=6).map("/".join)
PATHS = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) not in "\\#?"], max_size=40)
"""What can stand in a path; more than should."""


@given(NAMES, PATHS)
def test_a_marked_name_ends_where_it_says(name: str, path: str) -> None:
    assert aims(f"/proxy/{name}/~/{path}".encode()) == [Aim(name, None, "/" + path)]


@given(NAMES, st.sampled_from(["~", "%7E", "%7e"]))
def test_a_marked_name_without_a_path(name: str, mark: str) -> None:
    assert aims(f"/proxy/{name}/{mark}".encode()) == [Aim(name, None, "")]


@given(NAMES, PATHS)
def test_another_host_counts_only_if_the_name_is_one(name: str, path: str) -> None:
    """So the others follow: a service's own path may have such a part."""
    first, *others = aims(f"/proxy/{name}/~acme.example:8443/{path}".encode())
    assert first == Aim(name, "acme.example:8443", "/" + path)
    assert all(aim.host is None and aim.name != name for aim in others)
    assert all(f"{aim.name}{aim.path}" == f"{name}/~acme.example:8443/{path}" for aim in others)


@given(PATHS)
@example("acme/v1/me")
@example("a/b/c/d/e/f/g/h/i/j/k")
@example("acme//v1")
@example("")
def test_without_a_mark_every_name_is_tried_the_longest_first(path: str) -> None:
    assume("~" not in unquote(path) and "%" not in path)
    found = aims(b"/proxy/" + path.encode())
    assert all(aim.name + aim.path == path for aim in found)
    lengths = [aim.name.count("/") + 1 for aim in found]
    assert lengths == sorted(set(lengths), reverse=True)
    assert all(length <= PARTS for length in lengths)


def test_names_may_be_percent_encoded_and_paths_are_left_alone() -> None:
    assert aims(b"/proxy/a%40b%2Fc/~/%2e%41%2F?") == [Aim("a@b/c", None, "/%2e%41%2F?")]


@given(st.binary(max_size=20))
def test_nothing_else_comes_out_of_any_path(raw: bytes) -> None:
    try:
        found = aims(b"/proxy/" + raw)
    except Refusal as refusal:
        assert refusal.status == 400
    else:
        assert all(0x21 <= byte <= 0x7E and byte not in b"\\#" for byte in raw)
        assert all(aim.path == "" or aim.path.startswith("/") for aim in found)


@pytest.mark.parametrize(
    "raw", [b"/proxy/acme/~/a\r\nX: y", b"/proxy/acme/~/a b", b"/proxy/acme/~/\\x", b"/proxy/a\xe9"]
)
def test_what_no_path_may_hold(raw: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        aims(raw)
    assert refused.value.status == 400


def test_the_prefix_is_written_plainly() -> None:
    with pytest.raises(Refusal) as refused:
        aims(b"/%70roxy/acme/x")
    assert refused.value.status == 404


# To the service


@given(PATHS, st.sampled_from([b"", b"a=b%20c"]))
def test_a_path_goes_after_the_usual_base(path: str, query: bytes) -> None:
    (aim,) = aims(f"/proxy/acme/~/{path}".encode())
    found = target(aim, BASES, query)
    assert found.base is ACME
    assert found.url == f"https://api.acme.example/{path}" + ("?" + query.decode() if query else "")


@pytest.mark.parametrize(
    ("base", "path", "sent"),
    [(ACME, "", "/"), (ACME, "/", "/"), (DEEP, "", "/api/v3"), (DEEP, "/", "/api/v3/"), (DEEP, "//x", "/api/v3//x")],
)
def test_where_a_path_begins(base: Base, path: str, sent: str) -> None:
    assert target(Aim("acme", None, path), [base], b"").path == sent


@given(PATHS)
@example("../../admin")
@example("x/%2e%2E/../y")
@example("..%2f..%2fadmin")
@example("..;/admin")
@example("..%5cadmin")
@example("..")
def test_a_path_can_not_climb_out_of_its_base(path: str) -> None:
    try:
        found = target(Aim("acme", None, "/" + path), [DEEP], b"")
    except Refusal as refusal:
        assert refusal.status == 400
        return
    for read in (found.path, unquote(found.path), unquote(found.path).replace("\\", "/")):
        assert posixpath.normpath(read.replace("//", "/")).startswith("/api/v3")
    assert urlsplit(urljoin(found.url, found.path.partition("?")[0])).path.startswith("/api/v3")


@pytest.mark.parametrize("path", ["/../admin", "/%2e%2e/admin", "/x/./y", "/..%2Fadmin", "/..;a=b/admin", "/%2e"])
def test_climbing_is_refused(path: str) -> None:
    with pytest.raises(Refusal, match="climbs"):
        target(Aim("acme", None, path), [DEEP], b"")
    assert target(Aim("acme", None, path), [ACME], b"").path == path, "there is nothing to climb out of"


@pytest.mark.parametrize(
    ("host", "path", "url"),
    [
        ("acme.example:8443", "/api/v3/users", "https://acme.example:8443/api/v3/users"),
        ("ACME.example:8443", "/api/graphql", "https://acme.example:8443/api/graphql"),
        ("api.acme.example", "/x", "https://api.acme.example/x"),
        ("api.acme.example", "", "https://api.acme.example/"),
    ],
)
def test_another_host(host: str, path: str, url: str) -> None:
    assert target(Aim("acme", host, path), BASES, b"").url == url


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("evil.example", "/"),
        ("acme.example", "/api/v3/x"),
        ("acme.example:8443", "/admin"),
        ("acme.example:8443", "/api/v33"),
        ("acme.example:8443", ""),
        ("api.acme.example@evil.example", "/"),
        ("api.acme.example:443", "/"),
    ],
)
def test_other_hosts_and_places_get_no_token(host: str, path: str) -> None:
    with pytest.raises(ConfigError, match="not for that address") as refused:
        target(Aim("acme", host, path), BASES, b"")
    assert "acme.example:8443/api/v3" in refused.value.remedy


def test_a_service_whose_address_is_not_known() -> None:
    with pytest.raises(ConfigError) as refused:
        target(Aim("acme", None, "/x"), [], b"")
    assert "--set api_url=https://" in refused.value.remedy


@pytest.mark.parametrize("query", [b"a b", b"a#b", b"\xff", b"a\nb"])
def test_a_query_that_can_not_be_sent(query: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        target(Aim("acme", None, "/x"), BASES, query)
    assert refused.value.status == 400


def test_addresses_of_ipv6() -> None:
    base = Base.of("http://[::1]:8080/x")
    assert (base.host, base.authority, base.origin) == ("::1", "[::1]:8080", "http://[::1]:8080")


# And back


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("/v2", "/proxy/acme/~/v2"),
        ("https://api.acme.example/v2?x=1#y", "/proxy/acme/~/v2?x=1#y"),
        ("https://API.acme.example:443", "/proxy/acme/~/"),
        ("?page=2", "/proxy/acme/~/v1/me?page=2"),
        ("next", "/proxy/acme/~/v1/next"),
        ("//acme.example:8443/api/v3/x", "/proxy/acme/~acme.example:8443/api/v3/x"),
        ("https://acme.example:8443/login", "https://acme.example:8443/login"),
        ("https://evil.example/x", "https://evil.example/x"),
        ("http://api.acme.example/x", "http://api.acme.example/x"),
        ("https://me@api.acme.example/x", "https://me@api.acme.example/x"),
        ("mailto:me@acme.example", "mailto:me@acme.example"),
        ("https://[", None),
        ("https://api.acme.example/a b", "/proxy/acme/~/a%20b"),
        ("/a;?", "/proxy/acme/~/a;?"),
        ("https://acme.example:99999/", None),
        ("/proxy/other/~/x?a b", "/proxy/acme/~/proxy/other/~/x?a%20b"),
        ("/x\t", "/proxy/acme/~/x"),
        ("/x\ty", "/proxy/acme/~/x%09y"),
        ("/../../../token/other", "https://api.acme.example/../../../token/other"),
        ("/x/%2e%2E/%2e%2e/%2e%2e/y", "https://api.acme.example/x/%2e%2E/%2e%2e/%2e%2e/y"),
        ("/x\\..\\..\\..\\y", "https://api.acme.example/x\\..\\..\\..\\y"),
        ("/x?a=/../", "/proxy/acme/~/x?a=/../"),
        ("http:/token/other", None),
        ("https:token/other", None),
        ("http:///token/other", None),
        ("//127.0.0.1:8378\\@api.acme.example/x", None),
        ("http://127.0.0.1:8378/token/other", None),
        ("//localhost:8378/token/other", "https://localhost:8378/token/other"),
        ("http://127.0.0.1:9999/x", "http://127.0.0.1:9999/x"),
    ],
)
def test_a_redirect(location: str, seen: str | None) -> None:
    at = target(Aim("acme", None, "/v1/me"), BASES, b"")
    assert homeward(location, at, "acme", BASES, lambda there: there.origin == "http://127.0.0.1:8378") == seen


def test_a_redirect_out_of_a_base_is_no_path_of_ours() -> None:
    at = target(Aim("acme", None, "/x"), [DEEP], b"")
    assert homeward("/login", at, "acme", [DEEP]) == "https://acme.example:8443/login"


@given(st.sampled_from(BASES), PATHS, st.sampled_from(["", "?a=b"]))
def test_who_follows_a_redirect_comes_where_it_leads(base: Base, path: str, query: str) -> None:
    assume(not any(part.partition(";")[0] in (".", "..") for part in unquote(path).replace("\\", "/").split("/")))
    location = f"{base.origin}{base.path}/{path}{query}"
    seen = homeward(location, target(Aim("acme/x", None, "/"), BASES, b""), "acme/x", BASES)
    assert seen is not None
    assert seen.startswith("/proxy/acme/x/~")
    raw, _, asked = seen.partition("?")
    first = aims(raw.encode())[0]
    assert first.name == "acme/x"
    assert target(first, BASES, asked.encode()).url == location


_ODD = st.lists(
    st.sampled_from(["/", "..", "%2e", ".", "\\", ":", "http", "https:", "//", " ", "\t", "?", "#", "@", "a"])
)


@given(st.one_of(st.text(max_size=40), _ODD.map("".join)))
@example("/../../../token/other")
@example("/token/other?a b")
def test_no_redirect_leads_to_another_path_of_ours(location: str) -> None:
    """However a client reads it."""
    at = target(Aim("acme", None, "/v1/me"), BASES, b"")
    seen = homeward(location, at, "acme", BASES)
    if seen is None or not seen.startswith("/"):
        assert seen is None or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", seen)
        assert seen is None or not re.match(r"https?:(?!//[^/\\])", seen)
        return
    path = urlsplit(urljoin("http://127.0.0.1:8378/proxy/acme/~/v1/me", seen)).path
    for read in (path, unquote(path), unquote(path).replace("\\", "/")):
        assert posixpath.normpath(read).startswith("/proxy/acme/~")
