"""One call with all that belongs to it, against scripted answers."""

from __future__ import annotations

import traceback

import pytest

from tests.services.github.script import START, Renewable, Script, quota, reply
from vestal.core.errors import (
    AllExhausted,
    ConfigError,
    NeedsLogin,
    NetworkError,
    Outcome,
    PermissionDenied,
    ServiceError,
    Unprocessable,
    VestalError,
)
from vestal.core.quota import Told
from vestal.services.exchange import APIResponse
from vestal.services.github.call import Call, call
from vestal.services.github.graphql import query
from vestal.services.github.paging import collect
from vestal.services.steps import Send

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


def _told(remaining: int, bucket: str = "core") -> Told:
    return Told(bucket=bucket, limit=5000, remaining=remaining, reset_at=START + 3000)


def _outcome(step: object) -> object:
    from vestal.services.steps import Ask, Do

    if isinstance(step, Do):
        return step.function()
    if isinstance(step, Ask):
        return step.source.token(step.newer_than)
    return None
