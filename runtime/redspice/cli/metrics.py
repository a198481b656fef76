"""The options of `redspice serve` for who watches the server: a page of statistics, and a file."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypedDict

import click

from redspice.aio import TcpAddress, stat_file
from redspice.aio.run import Beside
from redspice.cli.places import PORT
from redspice.cli.refusal import Refusal
from redspice.cli.sections import Section
from redspice.reds import RedsState

logger = logging.getLogger("redspice")

LOOPBACK = "127.0.0.1"


class WatchOptions(TypedDict):
    """What `WATCHING` gives a command."""

    metrics_port: int | None
    metrics_address: str | None
    stat_file: bool


WATCHING = Section(
    "Statistics",
    (
        click.Option(
            ["--metrics-port"],
            type=PORT,
            help="TCP port of a page for Prometheus, /metrics; 0 takes a free one.",
        ),
        click.Option(
            ["--metrics-address"],
            metavar="ADDRESS",
            help=f"Address of that port. The page has no password.  [default: {LOOPBACK}]",
        ),
        click.Option(
            ["--stat-file"],
            is_flag=True,
            help="Write the statistics file of SPICE servers, /dev/shm/spice.PID.",
        ),
    ),
)


class Watching:
    """What the options ask for. Raises `Refusal` for options that cannot be."""

    def __init__(self, options: WatchOptions) -> None:
        if options["metrics_address"] is not None and options["metrics_port"] is None:
            raise Refusal("--metrics-address is for a page of metrics: give a --metrics-port")
        self._address = options["metrics_address"] or LOOPBACK
        self._port = options["metrics_port"]
        self._file = options["stat_file"]
        self._pages: Sequence[TcpAddress] = ()

    @property
    def beside(self) -> list[Beside]:
        """What runs beside the server."""
        wanted: list[Beside] = []
        if self._port is not None:
            wanted.append(self._serve_page)
        if self._file:
            wanted.append(stat_file)
        return wanted

    @property
    def places(self) -> Sequence[TcpAddress]:
        """Where the page is, while it runs."""
        return self._pages

    @asynccontextmanager
    async def _serve_page(self, reds: RedsState) -> AsyncIterator[None]:
        from redspice.aio.metrics import metrics_server  # few want it, and it takes its time

        async with metrics_server(reds, self._address, self._port or 0) as self._pages:
            yield


def announce_pages(places: Sequence[TcpAddress]) -> None:
    """One line on stdout for each page."""
    for place in places:
        print(f"metrics on http://{place}/metrics", flush=True)
