"""The daemon's numbers for Prometheus (https://prometheus.io/docs/practices/naming/), read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from vestal.core.credential import State
from vestal.core.errors import VestalError
from vestal.core.token import Token
from vestal.daemon.counters import BUCKETS, OTHER, Histogram

if TYPE_CHECKING:
    from vestal.daemon.house import House

MOST_ENDPOINTS = 200
"""Endpoints that are shown, so that their number stays bounded."""

MEDIA_TYPE = "text/plain; version=1.0.0; charset=utf-8"


class Metrics:
    """A registry of the daemon's own: nothing of the process around it gets in."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """All of them in the text format. May read the store."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        yield from self._of_credentials()
        yield from self._of_daemon()

    def _of_credentials(self) -> Iterator[Metric]:
        by = ["credential"]
        gets = CounterMetricFamily("vestal_gets", "Requests for tokens.", labels=by)
        hits = CounterMetricFamily("vestal_hits", "Requests that got the token at hand.", labels=by)
        misses = CounterMetricFamily("vestal_misses", "Requests that waited for a token, or got none.", labels=by)
        results = CounterMetricFamily("vestal_refreshes", "Refreshes by how they ended.", labels=[*by, "result"])
        leases = CounterMetricFamily("vestal_leases", "Leases taken.", labels=by)
        waits = HistogramMetricFamily("vestal_wait_seconds", "How long requests for tokens took.", labels=by)
        durations = HistogramMetricFamily("vestal_refresh_seconds", "How long refreshes took.", labels=by)
        left = GaugeMetricFamily("vestal_token_expiry_seconds", "Seconds until the token expires.", labels=by)
        for name, shown in self._house.counters.shown.items():
            gets.add_metric([name], shown.hits + shown.misses)
            hits.add_metric([name], shown.hits)
            misses.add_metric([name], shown.misses)
            results.add_metric([name, "ok"], shown.refreshed)
            for category, count in list(shown.failed.items()):
                results.add_metric([name, category], count)
            leases.add_metric([name], shown.leases)
            waits.add_metric([name], *_buckets(shown.wait))
            durations.add_metric([name], *_buckets(shown.refresh))
            token = None if name == OTHER else self._token(name)
            if token is not None and token.expires_at is not None:
                left.add_metric([name], token.expires_at - self._house.home.clock.now())
        yield from (gets, hits, misses, results, leases, waits, durations, left)

    def _of_daemon(self) -> Iterator[Metric]:
        house = self._house
        info = GaugeMetricFamily("vestal_info", "The daemon's version.", labels=["version"])
        info.add_metric([house.version], 1)
        yield info
        with suppress(VestalError):  # a store that can't be read hides its own numbers only
            counted = house.census.counts()
            states = GaugeMetricFamily("vestal_credentials", "Credentials by their state.", labels=["state"])
            for each in State:
                states.add_metric([each.value], counted.get(each.value, 0))
            yield states
        yield GaugeMetricFamily("vestal_start_time_seconds", "When the daemon started.", value=house.started_at)
        yield GaugeMetricFamily(
            "vestal_refreshes_under_way", "Refreshes under way, each with a lease.", value=house.counters.under_way
        )
        breakers = GaugeMetricFamily("vestal_breaker_open", "1: the endpoint is left alone.", labels=["endpoint"])
        for endpoint, state in list(house.home.lifecycle.breakers.states().items())[:MOST_ENDPOINTS]:
            breakers.add_metric([endpoint], float(state == "open"))
        yield breakers
        yield GaugeMetricFamily("vestal_event_listeners", "Open event streams.", value=house.broadcast.listeners)

    def _token(self, name: str) -> Token | None:
        try:
            credential = self._house.home.store.load(name)
        except VestalError:
            return None
        return None if credential is None else credential.token


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Cumulative counts by upper end, and the sum."""
    sums, count = [], 0
    for end, one in zip((*(f"{end:g}" for end in BUCKETS), "+Inf"), list(histogram.counts), strict=True):
        count += one
        sums.append((end, float(count)))
    return sums, histogram.total
