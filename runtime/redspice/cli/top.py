"""`redspice top`: what a server is doing, again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import isnan

import click

from redspice.cli.refusal import Refusal

HELP = """Show what a SPICE server is doing: messages, bytes, queues, round trips, encoding.

TARGET is a page of metrics, as a URL or host:port, or a statistics file, as the number of its
process or a path. Any SPICE server that writes such a file can be watched.

\b
Examples:
  redspice top 127.0.0.1:9180
  redspice top http://desk.example.org:9180/metrics --interval 5
  redspice top 4711
  redspice top /dev/shm/spice.4711 --once

Rates are those of the last interval. Ctrl-C ends it.
"""


@click.command("top", help=HELP, short_help="Show what a server is doing.")
@click.argument("target", metavar="TARGET")
@click.option("--once", is_flag=True, help="Show one interval and end.")
@click.option(
    "--interval",
    type=click.FloatRange(0, 3600, min_open=True),
    default=1.0,
    show_default=True,
    help="Seconds between two looks.",
)
def top_command(target: str, once: bool, interval: float) -> None:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from redspice.cli.top_reading import reader_of
    from redspice.cli.top_tables import Change, screen

    if isnan(interval):  # which is in every range
        raise Refusal("--interval nan is no number of seconds")
    read = reader_of(target)
    console = Console(highlight=False)

    def screens() -> Iterator[RenderableType]:
        before = read()
        while True:
            time.sleep(interval)
            now = read()
            yield screen(target, Change(before, now))
            before = now

    try:
        if once:
            console.print(next(screens()))
        elif console.is_terminal:
            with Live(console=console, screen=True, auto_refresh=False) as live:
                for each in screens():
                    live.update(each, refresh=True)
        else:
            for each in screens():
                console.print(each)
    except KeyboardInterrupt:
        pass  # that is how it ends
