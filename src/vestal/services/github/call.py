"""One call of GitHub's API with all that belongs to it: quota, token, 401, ETag, redirects, limits, retries."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import AllExhausted, HTTPError, Outcome, RateLimited, VestalError
from vestal.core.pool import Pool, Reservation
from vestal.core.quota import Charge, Told
from vestal.core.retry import RetryPolicy
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.addresses import address, moved
from vestal.services.github.etags import KEPT_HEADERS, ETags, Kept, MemoryETags
from vestal.services.github.limits import charge_of, limited, rest_after, told
from vestal.services.github.place import Place
from vestal.services.github.refusal import is_suspended, refusal
from vestal.services.github.strikes import Strikes
from vestal.services.runner import aside
from vestal.services.steps import Steps, Wait, ask, do, send

LAG = 5.0
"""Seconds for which a new token may be refused, since not all of GitHub's servers know it yet (replication lag)."""

LAG_WAITS = (1.0, 2.0, 3.0)
"""Seconds to wait after each refusal of a token that is as new as that, as GitHub's own client library does."""

LAGS = 2 * len(LAG_WAITS)
"""How often one call waits for that: for a token, and for the one in its place."""

REDIRECTS = 5
LIMITS_HIT = 10
"""How often one call may run into a limit before it gives up: the next owner may know no better."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API."""

    method: str
    path: str
    """A path, or an address that the API itself gave."""
    query: Mapping[str, str | int] = field(default_factory=dict)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    accept: str = "application/vnd.github+json"
    cost: int = 1
    """Units of quota that it will take at least."""
    graphql: Literal["query", "mutation"] | None = None
    retried: bool = True
    """Whether passing trouble of the service is tried again here. A caller that can ask for less does that itself."""

    @property
    def safe(self) -> bool:
        """Whether sending it twice does no harm."""
        return self.method in ("GET", "HEAD") or self.graphql == "query"

    def charge(self) -> Charge:
        """What it will cost."""
        mutation = None if self.graphql is None else self.graphql == "mutation"
        return charge_of(self.method, self.path, cost=self.cost, mutation=mutation)


class API:
    """What all calls to one place share."""

    def __init__(
        self,
        place: Place,
        *,
        clock: Clock | None = None,
        etags: ETags | None = None,
        retry: RetryPolicy | None = None,
        patience: float = 90.0,
    ) -> None:
        """`patience`: seconds that a call waits in all for limits to pass, before it raises what stands in its way."""
        self.place = place
        self.clock: Clock = clock or SystemClock()
        self.etags: ETags = etags if etags is not None else MemoryETags()
        self.retry = retry or RetryPolicy(tries=4, base=1.0, longest=30.0, total=90.0)
        self.patience = patience
        self.strikes = Strikes()


def call(api: API, pool: Pool, wanted: Call) -> Steps[APIResponse]:
    """Make a call with a token of the pool; a successful answer.

    - The quota is reserved before, and settled by the answer's headers. Where a limit is hit all the same, another member
      takes over, or the call waits, up to the API's patience. Raises `AllExhausted`, which says when there is more.
    - A refused token (401) is replaced once; one that is only seconds old is tried again, since it may not be known
      everywhere yet. A member whose token can't be replaced, or who is suspended, is benched, and the others go on.
    - An answer that has not changed is taken from the cache. Redirects within the API are followed.
    - Network trouble and server errors are tried again where that does no harm.

    Raises `VestalError` for every answer that is no success.
    """
    return (yield from Attempts(api, pool, wanted).run())


class Attempts:
    """A call over all its attempts. The hooks of other clients make theirs of it."""

    def __init__(self, api: API, pool: Pool, wanted: Call) -> None:
        self.api, self.pool, self.wanted = api, pool, wanted
        self.url = (
            api.place.graphql_url if wanted.graphql is not None else address(api.place, wanted.path, wanted.query)
        )
        self.body = None if wanted.json is None else json.dumps(wanted.json).encode()
        self.charge = wanted.charge()
        self.started = api.clock.steady()
        self.patience = api.patience
        self.tries = self.redirects = self.limits = 0
        self.lags: Counter[tuple[str, int]] = Counter()
        """How often each token was waited for: by member and version."""
        self.replaced: set[str] = set()

    def run(self) -> Steps[APIResponse]:
        """All attempts; the answer for the caller. Raises `VestalError`."""
        while True:
            kept = yield from self._kept()
            reservation = yield from self._reserve()
            token = yield from self._token(reservation)
            if token is None:
                continue
            outcome = yield from self._send(reservation, token, kept)
            if isinstance(outcome, VestalError):
                yield from self._retry(outcome)
                continue
            answer = yield from self._judge(outcome, reservation, token, kept)
            if answer is not None:
                return answer

    def _reserve(self) -> Steps[Reservation]:
        while True:
            try:
                return (
                    yield from do(partial(self.pool.reserve, self.charge), partial(self.pool.areserve, self.charge))
                )
            except AllExhausted as error:
                wait = max(error.retry_after or 0.0, 0.1)
                if wait > self.patience:
                    raise
            self.patience -= wait
            yield Wait(wait)

    def _token(self, reservation: Reservation) -> Steps[Token | None]:
        """The member's token; None if it has none any more, and another member is to be asked."""
        try:
            return (yield from ask(reservation.member.source))
        except VestalError as error:
            trouble = error
        except BaseException:
            aside(partial(self.pool.release, reservation))
            raise
        yield from do(partial(self.pool.release, reservation), partial(self.pool.arelease, reservation))
        self._bench(reservation, trouble)
        return None

    def _bench(self, reservation: Reservation, trouble: VestalError, version: int | None = None) -> None:
        """Go on without a member. Raises its trouble if it is the only one, or if it will pass.

        `version`: of the token that was refused.
        """
        if trouble.passing or len(self.pool.members) == 1:
            raise trouble
        self.pool.bench(reservation.member.name, trouble.message, version)

    def _kept(self) -> Steps[Kept | None]:
        if self.wanted.method != "GET":
            return None
        return (yield from do(partial(self.api.etags.get, self.url, self.wanted.accept)))

    def _send(self, reservation: Reservation, token: Token, kept: Kept | None) -> Steps[APIResponse | VestalError]:
        """The answer, its quota settled; or the failure of the sending."""
        headers = self.api.place.headers(self.wanted.accept)
        if kept is not None:
            headers["If-None-Match"] = kept.etag
        if self.body is not None:
            headers["Content-Type"] = "application/json"
        authorization = {"Authorization": Secret(token.authorization)}
        request = APIRequest(self.wanted.method, self.url, {**headers, **authorization}, self.body)
        try:
            response = yield from send(request)
        except VestalError as error:
            failure = error
        except BaseException:  # cancelled: what was sent counts as spent
            aside(partial(self.pool.settle, reservation, None))
            raise
        else:
            yield from self._settle(response, reservation)
            return response
        if failure.outcome is Outcome.NOT_SENT:
            yield from do(partial(self.pool.release, reservation), partial(self.pool.arelease, reservation))
        else:
            yield from do(partial(self.pool.settle, reservation, None), partial(self.pool.asettle, reservation, None))
        return failure

    def _settle(self, response: APIResponse, reservation: Reservation) -> Steps[None]:
        limit, owner, now = self._limited(response), reservation.member.owner, self.api.clock.now()
        said: Told | None = told(response, at=now)
        assert said is not None
        if limit == "secondary":
            rest = rest_after(response, self.api.strikes.strike(owner, response.sent_at, now))
            said = replace(said, rest_until=now + rest)  # it counts from the answer, which may have taken its time
        elif limit == "primary":
            said = replace(said, remaining=0)
            self.charge = replace(self.charge, bucket=said.bucket or self.charge.bucket)  # that is what it takes
        elif response.status == 401:
            said = None  # GitHub does not know who asks, and tells what is left for this machine's address
        elif response.status < 400:
            self.api.strikes.forgive(owner, response.sent_at)
        yield from do(partial(self.pool.settle, reservation, said), partial(self.pool.asettle, reservation, said))

    def _limited(self, response: APIResponse) -> Literal["primary", "secondary"] | None:
        return limited(response, graphql=self.wanted.graphql is not None)

    def _judge(
        self, response: APIResponse, reservation: Reservation, token: Token, kept: Kept | None
    ) -> Steps[APIResponse | None]:
        """The answer for the caller, or None to try again. Raises what the answer means."""
        if self._limited(response) is not None:
            self.limits += 1
            if self.limits > LIMITS_HIT:
                raise _refusal(response, token) or RateLimited("GitHub's limits stand in the way", remedy="ask later")
            return None
        if response.status == 304 and kept is not None:
            headers = {**response.headers, **kept.headers}
            return APIResponse(200, headers, kept.body, response.sent_at, response.url)
        if response.status == 401:
            yield from self._refused(response, reservation, token)
            return None
        if response.status in (301, 302, 307, 308) and self._redirected(response):
            return None
        if 200 <= response.status < 300:
            yield from self._keep(response)
            return response
        trouble = _refusal(response, token) or _odd(response)
        if response.status >= 500:
            yield from self._retry(trouble)
        elif is_suspended(response.as_response()):
            self._bench(reservation, trouble, token.version)
        else:
            raise trouble
        return None

    def _refused(self, response: APIResponse, reservation: Reservation, token: Token) -> Steps[None]:
        """After a 401."""
        name, age = reservation.member.name, response.sent_at - token.issued_at
        waited = self.lags[name, token.version]
        if (waited or 0 <= age < LAG) and waited < len(LAG_WAITS) and self.lags.total() < LAGS:
            self.lags[name, token.version] += 1
            yield Wait(LAG_WAITS[waited])
            return
        trouble = _refusal(response, token) or _odd(response)
        if name not in self.replaced:
            self.replaced.add(name)
            try:
                yield from ask(reservation.member.source, newer_than=token.version)
                return
            except VestalError as error:
                trouble = error
        self._bench(reservation, trouble, token.version)

    def _redirected(self, response: APIResponse) -> bool:
        target = moved(self.url, response.headers.get("location", ""))
        self.redirects += 1
        # 307 and 308 ask for the same request again (RFC 9110, 15.4.8 and 15.4.9); after the others a write would be a read.
        same = self.wanted.safe or response.status in (307, 308)
        if not same or self.redirects > REDIRECTS or target is None:
            return False
        self.url = target
        return True

    def _retry(self, trouble: VestalError) -> Steps[None]:
        """Wait before the next attempt, or raise."""
        self.tries += 1
        harmless = self.wanted.safe or trouble.outcome is Outcome.NOT_SENT
        elapsed = self.api.clock.steady() - self.started
        wait = self.api.retry.wait(trouble, self.tries, elapsed, random.random())  # noqa: S311 - spreads, hides nothing
        if wait is None or not harmless or not self.wanted.retried:
            raise trouble
        yield Wait(wait)

    def _keep(self, response: APIResponse) -> Steps[None]:
        etag = response.headers.get("etag", "")
        sendable = etag.isascii() and etag.isprintable()
        if self.wanted.method == "GET" and response.status == 200 and etag and sendable:
            headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
            kept = Kept(etag, headers, response.body)
            yield from do(partial(self.api.etags.put, self.url, self.wanted.accept, kept))


def _refusal(response: APIResponse, token: Token) -> VestalError | None:
    return refusal(response.as_response(), hidden=[token.access_token])


def _odd(response: APIResponse) -> VestalError:
    return HTTPError(f"GitHub answered with status {response.status}", remedy="look at the address that was asked")
