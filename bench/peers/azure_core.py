"""azure-core: the bearer token policies of its pipelines, sync and async, over a credential class written by hand."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from bench.good import LIFETIME
from bench.peers.by_hand import ByHand
from bench.peers.peer import SCOPE, Grant, Peer, module


class AzureCore(Peer):
    name = "azure-core"
    distributions = ("azure-core",)
    call = "policy.on_request(request)"

    def hot_path(self, resources: ExitStack, folder: Path) -> Callable[[], object]:
        policy = module("azure.core.pipeline.policies").BearerTokenCredentialPolicy(_Good(), SCOPE)
        return partial(policy.on_request, _request("https://127.0.0.1/"))

    def caller(self, grant: Grant) -> Callable[[], str]:
        policy = module("azure.core.pipeline.policies").BearerTokenCredentialPolicy(_Refreshing(grant), SCOPE)

        def token() -> str:
            request = _request(grant.resource_url)
            policy.on_request(request)
            return _sent(request)

        return token

    def task(self, grant: Grant) -> Callable[[], Awaitable[str]]:
        policies = module("azure.core.pipeline.policies")
        policy = policies.AsyncBearerTokenCredentialPolicy(_RefreshingAsync(grant), SCOPE)

        async def token() -> str:
            request = _request(grant.resource_url)
            await policy.on_request(request)
            return _sent(request)

        return token

    def request(self, grant: Grant) -> Callable[[], int]:
        pipeline = module("azure.core.pipeline")
        transport = module("azure.core.pipeline.transport").RequestsTransport()
        policy = module("azure.core.pipeline.policies").BearerTokenCredentialPolicy(_Refreshing(grant), SCOPE)
        policy.on_request(_request(grant.resource_url))  # it holds the token that is at hand
        line = pipeline.Pipeline(transport, policies=[policy])
        line.__enter__()

        def send() -> int:
            request = module("azure.core.rest").HttpRequest("GET", grant.resource_url)
            return int(line.run(request, enforce_https=False).http_response.status_code)

        return send


class _Good:
    """A `TokenCredential` that is asked once."""

    def get_token(self, *scopes: str, **options: Any) -> Any:
        return module("azure.core.credentials").AccessToken("a" * 43, int(time.time()) + LIFETIME)


class _Refreshing:
    """A `TokenCredential` whose first token is the one at hand: that is how a policy comes to hold a token at all."""

    def __init__(self, grant: Grant) -> None:
        self._hand = ByHand(grant)
        self._asked = grant.expires_at < time.time()

    def get_token(self, *scopes: str, **options: Any) -> Any:
        if self._asked:
            self._hand.redeem()
        self._asked = True
        return _access_token(self._hand)


class _RefreshingAsync:
    """An `AsyncTokenCredential`."""

    def __init__(self, grant: Grant) -> None:
        self._hand = ByHand(grant)

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        await self._hand.redeem_async()
        return _access_token(self._hand)


def _access_token(hand: ByHand) -> Any:
    return module("azure.core.credentials").AccessToken(hand.access_token, int(hand.expires_at))


def _request(url: str) -> Any:
    pipeline = module("azure.core.pipeline")
    request = module("azure.core.rest").HttpRequest("GET", url)
    return pipeline.PipelineRequest(request, pipeline.PipelineContext(None, enforce_https=False))


def _sent(request: Any) -> str:
    return str(request.http_request.headers["Authorization"]).removeprefix("Bearer ")
