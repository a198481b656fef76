"""Statistics for Prometheus: a page in its text format, `http://ADDRESS:PORT/metrics`.

    async with metrics_server(reds, port=9180) as places:
        ...

HTTP is that of `websockets`, in the loop of the server: there is no thread that could read what the
loop is changing, and a page takes a millisecond or so. Who scrapes slowly holds up nobody: a page
is made when the request is complete, and is given away as a whole; connections are few, and each
has `metrics_timeout` seconds. The page tells how much a server has to do, but not who is connected,
so it has no password; still it is for this machine alone unless another address is given.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from websockets.asyncio.server import ServerConnection, serve

from redspice.aio.addresses import TcpAddress
from redspice.aio.places import tcp_places
from redspice.reds import RedsState
from redspice.stats.quantities import (
    CHANNEL,
    ENCODING,
    REFUSED_METRIC,
    REFUSED_TEXT,
    SERVER,
    Quantity,
)
from redspice.stats.snapshot import ServerStats

if TYPE_CHECKING:
    import asyncio

    from websockets.http11 import Request, Response

    from redspice.interfaces import Timer

logger = logging.getLogger("redspice")

# What scrapers say is nothing for a log.
quiet = logging.getLogger("redspice.metrics")
quiet.setLevel(logging.CRITICAL + 1)

PATH = "/metrics"

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

MAX_CONNECTIONS = 16
"""Connections at once; a scraper has one. For one too many the oldest is closed."""

REST = 10
"""How many times as long as it takes to make a page it is given away again: whoever asks without
end has a tenth of the loop's time, and a page is hardly ever older than a tenth of a second."""

Subject = TypeVar("Subject")
Family = CounterMetricFamily | GaugeMetricFamily


class StatsCollector(Collector):
    """What `prometheus_client` asks for the numbers of a server. For the server's own loop."""

    def __init__(self, reds: RedsState) -> None:
        self._reds = reds

    def collect(self) -> Iterator[Family]:
        stats = self._reds.stats.snapshot()
        for quantity in SERVER:
            family = _family(quantity)
            _add(family, [], quantity, stats)
            yield family
        yield _refusals(stats)
        for row in CHANNEL:
            family = _family(row, "channel")
            for channel in stats.channels:
                _add(family, [channel.name], row, channel)
            yield family
        for column in ENCODING:
            family = _family(column, "channel", "encoding")
            for channel in stats.channels:
                for encoding in channel.encodings:
                    _add(family, [channel.name, encoding.encoding], column, encoding)
            yield family


def metrics_page(reds: RedsState) -> bytes:
    """The statistics of now, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StatsCollector(reds))
    return generate_latest(registry)


class Pages:
    """The page of now, or of a moment ago (see `REST`)."""

    def __init__(self, reds: RedsState) -> None:
        self._reds = reds
        self._page = ""
        self._until = -inf

    def page(self) -> str:
        """Raises whatever making one raises."""
        now = self._reds.core.now
        begun = now()
        if begun >= self._until:
            self._page = metrics_page(self._reds).decode()
            done = now()
            self._until = done + REST * (done - begun)
        return self._page


@asynccontextmanager
async def metrics_server(
    reds: RedsState, host: str | None = "127.0.0.1", port: int = 0
) -> AsyncIterator[tuple[TcpAddress, ...]]:
    """Serve the page of an initialised `reds`; gives the addresses at which it is.

    Port 0 is any free one. Raises `OSError` as `serve` does.
    """

    def answer(connection: ServerConnection, request: Request) -> Response:
        if request.path.partition("?")[0] != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, f"the statistics are at {PATH}\n")
        try:
            response = connection.respond(HTTPStatus.OK, pages.page())
        except Exception:
            logger.exception("while collecting statistics")
            return connection.respond(HTTPStatus.INTERNAL_SERVER_ERROR, "see the log\n")
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = CONTENT_TYPE
        return response

    pages, scrapers = Pages(reds), Scrapers(reds)
    places = await tcp_places(host, port, False)
    async with AsyncExitStack() as stack:
        for place in places:
            stack.callback(place.close)
        for place in places:
            server = serve(
                _never,
                sock=place.sock,
                process_request=answer,
                create_connection=scrapers.connection_class(),
                open_timeout=None,  # each connection has a deadline of its own
                close_timeout=None,
                server_header=None,
                logger=quiet,
            )
            await stack.enter_async_context(server)
        stack.callback(scrapers.abort)
        yield tuple(TcpAddress(*place.sock.getsockname()[:2]) for place in places)


class Scrapers:
    """The connections that are open, the oldest first. It makes way for one too many."""

    def __init__(self, reds: RedsState) -> None:
        self._reds = reds
        self._open: dict[ServerConnection, Timer] = {}

    def connection_class(self) -> type[ServerConnection]:
        """What is to be made for each."""
        scrapers = self

        class Scraper(ServerConnection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                scrapers.enter(self)

            def connection_lost(self, error: Exception | None) -> None:
                scrapers.leave(self)
                super().connection_lost(error)

        return Scraper

    def enter(self, scraper: ServerConnection) -> None:
        """One more is open: give it time."""
        deadline = self._reds.core.timer(scraper.transport.abort)
        deadline.start(self._reds.limits.metrics_timeout)
        self._open[scraper] = deadline
        if len(self._open) > MAX_CONNECTIONS:
            oldest = next(iter(self._open))
            self.leave(oldest)
            oldest.transport.abort()

    def leave(self, scraper: ServerConnection) -> None:
        """One is gone; harmless when said again."""
        deadline = self._open.pop(scraper, None)
        if deadline is not None:
            deadline.cancel()

    def abort(self) -> None:
        """Close all of them, whatever they wait for."""
        for connection in tuple(self._open):
            connection.transport.abort()


async def _never(connection: ServerConnection) -> None:
    """No request becomes a WebSocket: each is answered before."""


def _family(quantity: Quantity[Subject], *labels: str) -> Family:
    kind = CounterMetricFamily if quantity.grows else GaugeMetricFamily
    return kind(quantity.metric, quantity.text, labels=labels)


def _add(family: Family, labels: list[str], quantity: Quantity[Subject], subject: Subject) -> None:
    value = quantity.read(subject)
    if value is not None:
        family.add_metric(labels, value)


def _refusals(stats: ServerStats) -> Family:
    family = CounterMetricFamily(REFUSED_METRIC, REFUSED_TEXT, labels=["kind"])
    for kind, count in sorted(stats.refusals.items()):
        family.add_metric([kind], count)
    return family
