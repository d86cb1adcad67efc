"""One call with all that belongs to it, against scripted answers."""

from __future__ import annotations

import traceback
from dataclasses import replace
from email.utils import formatdate

import pytest

from tests.services.github.script import START, Renewable, Script, quota, reply
from vestal.core.errors import (
    AllExhausted,
    ConfigError,
    HTTPError,
    NeedsLogin,
    NetworkError,
    Outcome,
    PermissionDenied,
    RateLimited,
    ServiceError,
    Unprocessable,
    VestalError,
)
from vestal.core.quota import Told
from vestal.core.token import Token
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.call import Call, call
from vestal.services.github.etags import Kept, MemoryETags
from vestal.services.github.graphql import query
from vestal.services.github.paging import collect
from vestal.services.steps import Do, Send, Steps

USER = Call("GET", "/user")


def run(script: Script, *sources: Renewable, wanted: Call = USER, **options: object) -> APIResponse:
    return script.run(call(script.api(**options), script.pool(sources or (Renewable("a"),)), wanted))


def test_a_call() -> None:
    script = Script([reply(200, {"login": "ada"}, **quota(4999))])
    assert run(script).data == {"login": "ada"}
    [request] = script.sent
    assert (request.method, request.url) == ("GET", "https://api.github.com/user")
    assert request.headers["X-GitHub-Api-Version"]
    assert str(request.headers["User-Agent"]).startswith("vestal")
    assert script.tokens == ["a-1"]


def test_query_and_body() -> None:
    script = Script([reply(200, [])])
    run(script, wanted=Call("GET", "/repos/a/b/pulls", {"state": "all", "page": 2}))
    assert script.sent[0].url == "https://api.github.com/repos/a/b/pulls?state=all&page=2"
    script = Script([reply(201, {})])
    run(script, wanted=Call("POST", "/repos/a/b/statuses/c", json={"state": "success"}))
    assert script.sent[0].body == b'{"state": "success"}'


def test_no_token_goes_elsewhere() -> None:
    script = Script([])
    with pytest.raises(ConfigError):
        run(script, wanted=Call("GET", "https://evil.example/user"))
    assert not script.sent


def test_a_refused_token_is_replaced_once() -> None:
    source = Renewable("a")
    script = Script([reply(401, {"message": "Bad credentials"}), reply(200, {})])
    run(script, source)
    assert script.tokens == ["a-1", "a-2"]
    assert source.asked == [1]


def test_a_token_that_is_refused_again_is_not_replaced_for_ever() -> None:
    source = Renewable("a")
    script = Script([reply(401, {"message": "Bad credentials"}) for _ in range(3)])
    with pytest.raises(VestalError) as caught:
        run(script, source)
    assert caught.value.category == "AUTH_FAILED"
    assert script.tokens == ["a-1", "a-2"]


def test_a_new_token_is_waited_for() -> None:
    """Replication lag: the same token again after 1, 2 and 3 s, and no other is minted."""
    source = Renewable("a", issued_at=START - 1)
    script = Script([reply(401), reply(401), reply(200, {})])
    run(script, source)
    assert script.tokens == ["a-1", "a-1", "a-1"]
    assert source.asked == []
    assert script.clock.now() == START + 3


def test_a_new_token_that_stays_refused_is_replaced() -> None:
    source = Renewable("a", issued_at=START - 1)
    script = Script([*(reply(401) for _ in range(4)), reply(200, {})])
    run(script, source)
    assert script.tokens == ["a-1"] * 4 + ["a-2"]


def test_a_member_whose_token_is_dead_is_benched() -> None:
    dead, alive = Renewable("a", times=0), Renewable("b")
    script = Script([])
    pool = script.pool([dead, alive])
    pool.learn("a", _told(5000))
    pool.learn("b", _told(10))
    script.answers[:] = [reply(401, {"message": "Bad credentials"}), reply(200, {}), reply(200, {})]
    api = script.api()
    script.run(call(api, pool, USER))
    script.run(call(api, pool, USER))
    assert script.tokens == ["a-1", "b-1", "b-1"]


def test_the_only_members_trouble_is_the_callers() -> None:
    script = Script([reply(401, {"message": "Bad credentials"})])
    with pytest.raises(NeedsLogin):
        run(script, Renewable("a", times=0))


def test_an_exhausted_member_gives_way() -> None:
    script = Script([reply(403, {"message": "API rate limit exceeded"}, **quota(0)), reply(200, {}, **quota(8))])
    pool = script.pool([Renewable("a"), Renewable("b")])
    pool.learn("a", _told(5000))
    pool.learn("b", _told(10))
    script.run(call(script.api(), pool, USER))
    assert script.tokens == ["a-1", "b-1"]


def test_all_exhausted_says_when() -> None:
    script = Script([reply(403, {"message": "API rate limit exceeded"}, **quota(0, reset_in=1800))])
    with pytest.raises(AllExhausted) as caught:
        run(script)
    assert caught.value.reset_at == pytest.approx(START + 1800, abs=5)
    assert caught.value.retry_after == pytest.approx(1800, abs=5)


def test_a_limit_that_passes_soon_is_waited_out() -> None:
    script = Script([reply(403, {"message": "API rate limit exceeded"}, **quota(0, reset_in=20)), reply(200, {})])
    run(script)
    assert script.clock.now() >= START + 20


def test_a_secondary_limit_rests_as_long_as_it_says() -> None:
    message = {"message": "You have exceeded a secondary rate limit"}
    script = Script([reply(403, message, retry_after="30", **quota(4000)), reply(200, {})])
    run(script)
    assert START + 30 <= script.clock.now() < START + 40


def test_secondary_limits_in_a_row_rest_longer() -> None:
    message = {"message": "You have exceeded a secondary rate limit"}
    script = Script([reply(403, message, **quota(4000)), reply(403, message, **quota(4000)), reply(200, {})])
    run(script, patience=1000.0)
    assert script.clock.now() >= START + 60 + 120


def test_a_missing_permission_is_no_limit() -> None:
    headers = {"x_accepted_github_permissions": "pull_requests=read", **quota(4999)}
    script = Script([reply(403, {"message": "Resource not accessible by integration"}, **headers)])
    with pytest.raises(PermissionDenied) as caught:
        run(script)
    assert "pull_requests=read" in str(caught.value)
    assert len(script.sent) == 1


def test_what_can_not_be_done_is_not_tried_again() -> None:
    script = Script([reply(422, {"message": "Validation Failed"})])
    with pytest.raises(Unprocessable):
        run(script)
    assert len(script.sent) == 1


def test_an_unchanged_answer_comes_from_the_cache() -> None:
    script = Script([reply(200, [1, 2], etag='"x"', link="<https://api.github.com/n>; rel=next"), reply(304)])
    api, pool = script.api(), script.pool([Renewable("a")])
    first = script.run(call(api, pool, USER))
    again = script.run(call(api, pool, USER))
    assert again.data == first.data == [1, 2]
    assert again.headers["link"] == first.headers["link"]
    assert "If-None-Match" not in script.sent[0].headers
    assert script.sent[1].headers["If-None-Match"] == '"x"'


def test_redirects_are_followed_within_the_api() -> None:
    moved = reply(301, location="https://api.github.com/repositories/5")
    script = Script([moved, reply(200, {"id": 5})])
    assert run(script, wanted=Call("GET", "/repos/old/name")).data == {"id": 5}
    assert script.sent[1].url == "https://api.github.com/repositories/5"


def test_redirects_are_not_followed_elsewhere() -> None:
    script = Script([reply(302, location="https://evil.example/")])
    with pytest.raises(VestalError):
        run(script)
    assert len(script.sent) == 1


def test_a_circle_of_redirects_ends() -> None:
    script = Script([reply(302, location="/user") for _ in range(20)])
    with pytest.raises(VestalError):
        run(script)
    assert len(script.sent) < 10


@pytest.mark.parametrize("trouble", [reply(502), NetworkError("cut", outcome=Outcome.UNKNOWN)])
def test_passing_trouble_is_tried_again(trouble: APIResponse | VestalError) -> None:
    script = Script([trouble, reply(200, {})])
    run(script)
    assert len(script.sent) == 2


def test_trouble_that_stays_is_raised() -> None:
    script = Script([reply(502) for _ in range(10)])
    with pytest.raises(ServiceError):
        run(script)
    assert len(script.sent) == 4


def test_a_caller_that_can_ask_for_less_is_told_at_once() -> None:
    script = Script([reply(502)])
    with pytest.raises(ServiceError):
        run(script, wanted=Call("GET", "/user", retried=False))


def test_what_may_have_been_done_is_not_done_twice() -> None:
    for trouble in (reply(502), NetworkError("cut", outcome=Outcome.UNKNOWN)):
        script = Script([trouble])
        with pytest.raises(VestalError):
            run(script, wanted=Call("POST", "/repos/a/b/statuses/c", json={}))
        assert len(script.sent) == 1


def test_what_was_not_sent_is_sent_again() -> None:
    script = Script([NetworkError("no connection", outcome=Outcome.NOT_SENT), reply(201, {})])
    run(script, wanted=Call("POST", "/repos/a/b/statuses/c", json={}))
    assert len(script.sent) == 2


def test_a_cancelled_call_leaves_no_reservation() -> None:
    script = Script([])
    pool = script.pool([Renewable("a")])
    pool.learn("a", _told(10))
    steps = call(script.api(), pool, USER)
    step = next(steps)
    while not isinstance(step, Send):
        step = steps.send(_outcome(step))
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())
    assert [state.outstanding for state in pool.states()] == [0]
    assert pool.total_remaining("core") == 9


def test_pages_are_followed_to_the_end() -> None:
    following = '<https://api.github.com/user/repos?page={}>; rel="next"'
    script = Script(
        [reply(200, [1, 2], link=following.format(2)), reply(200, [3], link=following.format(3)), reply(200, [])]
    )
    api, pool = script.api(), script.pool([Renewable("a")])
    assert script.run(collect(api, pool, Call("GET", "/user/repos", {"type": "all"}))) == [1, 2, 3]
    assert "per_page=100" in script.sent[0].url
    assert script.sent[1].url == "https://api.github.com/user/repos?page=2"


def test_a_list_in_an_object_and_its_first_items() -> None:
    script = Script([reply(200, {"check_runs": [1, 2, 3]}, link="<https://api.github.com/x>; rel=next")])
    api, pool = script.api(), script.pool([Renewable("a")])
    assert script.run(collect(api, pool, Call("GET", "/x"), key="check_runs", limit=2)) == [1, 2]


def test_a_query() -> None:
    errors = [{"type": "NOT_FOUND", "path": ["repository", "pr_3"], "message": "gone"}]
    script = Script([reply(200, {"data": {"repository": {}}, "errors": errors}, **quota(4990, resource="graphql"))])
    answer = script.run(query(script.api(), script.pool([Renewable("a")]), "query { x }", {"n": 1}, cost=3))
    assert answer.data == {"repository": {}}
    assert answer.errors[0].path == ("repository", "pr_3")
    assert script.sent[0].url == "https://api.github.com/graphql"
    assert script.sent[0].body == b'{"query": "query { x }", "variables": {"n": 1}}'


def test_a_query_that_hits_the_limit_goes_to_another_member() -> None:
    limited = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit already exceeded"}]}
    script = Script([reply(200, limited, **quota(0, resource="graphql")), reply(200, {"data": {}})])
    pool = script.pool([Renewable("a"), Renewable("b")])
    pool.learn("a", _told(5000, "graphql"))
    pool.learn("b", _told(10, "graphql"))
    script.run(query(script.api(), pool, "query { x }", {}))
    assert script.tokens == ["a-1", "b-1"]


def test_no_traceback_shows_a_token() -> None:
    script = Script([reply(500) for _ in range(5)])
    with pytest.raises(VestalError) as caught:
        run(script, Renewable("ghs_canary"))
    dump = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "ghs_canary-" not in "".join(dump.format())


class Minted(Renewable):
    """A source whose replacements are as new as the moment that they are asked for."""

    def __init__(self, name: str, script: Script) -> None:
        super().__init__(name)
        self._script = script

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        before = self.version
        token = super().token(newer_than, min_ttl)
        if self.version != before:
            self.issued_at = self._script.clock.now()
        return replace(token, issued_at=self.issued_at)


def test_the_replacement_of_a_revoked_token_is_waited_for() -> None:
    """It is new, and may not be known everywhere yet."""
    script = Script([reply(401), reply(401), reply(401), reply(200, {})])
    source = Minted("a", script)
    run(script, source)
    assert script.tokens == ["a-1", "a-2", "a-2", "a-2"]
    assert source.asked == [1]


def test_the_replacement_of_a_new_token_is_waited_for_as_well() -> None:
    script = Script([*(reply(401) for _ in range(7)), reply(200, {})])
    source = Minted("a", script)
    source.issued_at = START
    run(script, source)
    assert script.tokens == ["a-1"] * 4 + ["a-2"] * 4
    assert source.asked == [1]


def test_a_token_that_others_have_replaced_meanwhile_is_waited_for() -> None:
    class Meanwhile(Script):
        def __call__(self, request: APIRequest) -> APIResponse:
            if len(self.sent) == 2:
                source.version, source.issued_at = 2, self.clock.now()
            return super().__call__(request)

    script = Meanwhile([*(reply(401) for _ in range(6)), reply(200, {})])
    source = Renewable("a", issued_at=START)
    run(script, source)
    assert script.tokens == ["a-1"] * 3 + ["a-2"] * 4
    assert source.asked == []


def test_a_refused_token_says_nothing_of_its_owners_quota() -> None:
    """The limit in such an answer is that of this machine's address: GitHub does not know who asks."""
    strangers = quota(0, limit=60, reset_in=3000)
    script = Script([reply(401, {"message": "Bad credentials"}, **strangers), reply(200, {}, **quota(4000))])
    pool = script.pool([Renewable("a")])
    pool.learn("a", _told(4002))
    script.run(call(script.api(), pool, USER))
    assert pool.total_remaining("core") == 4000
    assert script.clock.now() == START


def test_limits_hit_side_by_side_are_one() -> None:
    """A crowd whose requests were all under way is not told off once for each."""
    message = {"message": "You have exceeded a secondary rate limit"}
    script = Script([])
    api, pool = script.api(patience=1000.0), script.pool([Renewable("a")])
    pool.learn("a", _told(4000))
    crowd = [call(api, pool, USER) for _ in range(20)]
    sending = [_to_send(steps) for steps in crowd]
    for steps in sending:
        step = steps.send(replace(reply(403, message, **quota(4000)), sent_at=START))
        assert isinstance(step, Do)
        step.function()
        steps.close()
    [state] = pool.states()
    assert state.resting_until == START + 60


def test_a_rest_begins_when_it_is_asked_for() -> None:
    """And not when the request was sent: the answer took its time."""
    message = {"message": "You have exceeded a secondary rate limit"}
    script = Script([])
    pool = script.pool([Renewable("a")])
    steps = _to_send(call(script.api(), pool, USER))
    script.clock.advance(30)
    step = steps.send(replace(reply(403, message, retry_after="60", **quota(4000)), sent_at=START))
    assert isinstance(step, Do)
    step.function()
    steps.close()
    [state] = pool.states()
    assert state.resting_until == START + 30 + 60


def test_a_slow_answer_brings_no_reset_nearer() -> None:
    """Its Date is of when it came, not of when it was asked for."""
    script = Script([])
    pool = script.pool([Renewable("a")])
    steps = _to_send(call(script.api(), pool, USER))
    script.clock.advance(9)
    slow = reply(200, {}, date=formatdate(START + 9, usegmt=True), **quota(10))
    step = steps.send(replace(slow, sent_at=START))
    assert isinstance(step, Do)
    step.function()
    steps.close()
    assert pool.reset_at("core") == START + 600


def test_a_bucket_that_is_used_up_is_not_asked_again_though_another_was_expected() -> None:
    used_up = reply(403, {"message": "API rate limit exceeded"}, **quota(0, resource="dependency_snapshots"))
    script = Script([used_up])
    with pytest.raises(AllExhausted) as caught:
        run(script, wanted=Call("POST", "/repos/a/b/dependency-graph/snapshots", json={}))
    assert caught.value.bucket == "dependency_snapshots"
    assert len(script.sent) == 1


@pytest.mark.parametrize("message", ["This installation has been suspended", "Sorry. Your account was suspended."])
def test_a_suspended_member_gives_way_to_the_others(message: str) -> None:
    """Nothing is taken from its quota any more: left in, it would be asked first for ever."""
    script = Script([reply(403, {"message": message}, **quota(4999)), reply(200, {}), reply(200, {})])
    pool = script.pool([Renewable("a"), Renewable("b")])
    pool.learn("a", _told(5000))
    pool.learn("b", _told(10))
    api = script.api()
    script.run(call(api, pool, USER))
    script.run(call(api, pool, USER))
    assert script.tokens == ["a-1", "b-1", "b-1"]


def test_the_only_members_suspension_is_the_callers() -> None:
    script = Script([reply(403, {"message": "This installation has been suspended"})])
    with pytest.raises(PermissionDenied) as caught:
        run(script)
    assert caught.value.code == "suspended"


@pytest.mark.parametrize("body", [b'LIMIT = {"RATE_LIMITED": 1}\n', b'{"errors": [{"type": "RATE_LIMITED"}]}'])
def test_a_file_that_speaks_of_limits_is_no_limit(body: bytes) -> None:
    script = Script([replace(reply(200), body=body)])
    pool = script.pool([Renewable("a")])
    answer = script.run(call(script.api(), pool, Call("GET", "/repos/a/b/git/blobs/c")))
    assert answer.body == body
    assert [state.outstanding for state in pool.states()] == [0]


def test_an_answer_of_graphql_that_is_no_json_leaves_no_reservation() -> None:
    script = Script([replace(reply(200), body=b'"RATE_LIMIT')])
    pool = script.pool([Renewable("a")])
    with pytest.raises(HTTPError):
        script.run(query(script.api(), pool, "query { x }", {}))
    assert [state.outstanding for state in pool.states()] == [0]


def test_a_limit_that_never_ends_is_called_one() -> None:
    limited = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit already exceeded"}]}
    script = Script([reply(200, limited) for _ in range(20)])
    with pytest.raises(RateLimited):
        script.run(query(script.api(patience=1e6), script.pool([Renewable("a")]), "query { x }", {}))


@pytest.mark.parametrize("target", ["http://[", "https://api.github.com:x/", "http://\x00", "//[::1"])
def test_redirects_to_nowhere(target: str) -> None:
    script = Script([reply(302, location=target)])
    with pytest.raises(VestalError):
        run(script)


def test_an_etag_that_can_not_be_sent_is_not_kept() -> None:
    script = Script([reply(200, [1], etag='"\xe9"'), reply(200, [2])])
    api, pool = script.api(), script.pool([Renewable("a")])
    script.run(call(api, pool, USER))
    assert script.run(call(api, pool, USER)).data == [2]
    assert "If-None-Match" not in script.sent[1].headers


def test_an_answer_that_repeats_the_token_is_not_quoted() -> None:
    script = Script([reply(400, {"message": "what is Bearer ghs_canaryghs_canary-1?"})])
    with pytest.raises(VestalError) as caught:
        run(script, Renewable("ghs_canaryghs_canary"))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("stop", ["kept", "body"])
def test_nothing_is_reserved_before_a_request_can_be_sent(stop: str) -> None:
    """What a call looks up, or writes out, it does before; so nothing is left reserved if that is cancelled or fails."""

    class Slow(MemoryETags):
        def get(self, url: str, accept: str) -> Kept | None:
            raise KeyboardInterrupt

    script = Script([])
    pool = script.pool([Renewable("a")])
    api = script.api(etags=Slow())
    with pytest.raises((KeyboardInterrupt, TypeError)):
        script.run(call(api, pool, USER if stop == "kept" else Call("POST", "/x", json={"a": object()})))
    assert [state.outstanding for state in pool.states()] == [0]


def test_pages_in_a_circle_end() -> None:
    circle = reply(200, [1], link='<https://api.github.com/user/repos?page=2>; rel="next"')
    script = Script([circle] * 5)
    with pytest.raises(HTTPError, match="circle"):
        script.run(collect(script.api(), script.pool([Renewable("a")]), Call("GET", "/user/repos")))
    assert len(script.sent) == 2


def _to_send(steps: Steps[APIResponse]) -> Steps[APIResponse]:
    """A call that is about to be sent."""
    step = next(steps)
    while not isinstance(step, Send):
        step = steps.send(_outcome(step))
    return steps


def _told(remaining: int, bucket: str = "core") -> Told:
    return Told(bucket=bucket, limit=5000, remaining=remaining, reset_at=START + 3000)


def _outcome(step: object) -> object:
    from vestal.services.steps import Ask, Do

    if isinstance(step, Do):
        return step.function()
    if isinstance(step, Ask):
        return step.source.token(step.newer_than)
    return None
