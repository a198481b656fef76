"""`redspice serve`: a picture or the demo desktop, for any SPICE viewer."""

from __future__ import annotations

import ipaddress
import logging
import os
import sys
from typing import Unpack
from urllib.parse import quote

import click

from redspice.aio import Server, TcpAddress, run
from redspice.cli.admission import ADMISSION, AdmissionOptions, admission
from redspice.cli.config_file import config_option
from redspice.cli.files import SourceName
from redspice.cli.limit_options import LIMIT_OPTIONS, limits_of
from redspice.cli.logs import log_to_stderr
from redspice.cli.metrics import WATCHING, Watching, WatchOptions, announce_pages
from redspice.cli.places import PLACES, PlaceOptions, listening
from redspice.cli.refusal import Refusal, refusing
from redspice.cli.sections import SectionedCommand
from redspice.cli.source import open_source
from redspice.display.compression import DEFAULT_COMPRESSION, Compression
from redspice.interfaces import CoreInterface
from redspice.reds import RedsState

logger = logging.getLogger("redspice")

HELP = """Serve SOURCE to SPICE viewers: "demo" is a small desktop that shows your keys and your
pointer, "image:FILE" any picture.

\b
Examples:
  redspice serve demo
  redspice serve demo --size 1920x1080 --password-file secret.txt
  redspice serve image:photo.png --port 5930 --multi
  redspice serve image:photo.png --compression quic
  redspice serve demo --unix /run/user/1000/demo.sock
  redspice serve demo --tls-port 5901 --cert server-cert.pem --key server-key.pem
  redspice serve demo --tls-port 5901 --cert server.pem --sasl users.txt --security default=tls
  redspice serve demo --metrics-port 9180 --stat-file
  redspice serve --config redspice.toml

It listens at each place that is given: --port, --tls-port, --unix and the sockets of systemd's
socket activation, of which one with the name "tls" is for TLS. Browsers connect to the same places
by WebSocket.

With --config all of this is in a file, each option by its name without dashes:

\b
  source = "demo"
  port = 5930
  password-file = "secret.txt"

Without a password or users everybody who reaches the address may connect. Ctrl-C and SIGTERM say
goodbye to all viewers and end the server; with --exit-on-disconnect it also ends with its last
viewer.
"""


class ServeOptions(PlaceOptions, AdmissionOptions, WatchOptions):
    """What the sections give the command, besides the limits."""


@click.command(
    "serve",
    cls=SectionedCommand,
    sections=(PLACES, ADMISSION, WATCHING, LIMIT_OPTIONS),
    params=[config_option()],
    help=HELP,
)
@click.argument("source", metavar="SOURCE", type=SourceName())
@click.option("--size", metavar="WxH", help="Size of the demo.  [default: 1024x768]")
@click.option("--frozen", is_flag=True, help="The demo without clock and animation.")
@click.option(
    "--compression",
    type=click.Choice([each.value for each in Compression]),
    default=DEFAULT_COMPRESSION.value,
    show_default=True,
    help="How pictures are encoded for viewers without a wish of their own; jpeg loses detail of "
    "photographs. On a unix socket they always go as they are.",
)
@click.option("--exit-on-disconnect", is_flag=True, help="End when the last viewer has left.")
@click.option("--verbose", is_flag=True, help="Log every detail.")
@click.pass_context
def serve_command(
    context: click.Context,
    source: str,
    size: str | None,
    frozen: bool,
    compression: str,
    exit_on_disconnect: bool,
    verbose: bool,
    **options: Unpack[ServeOptions],
) -> None:
    log_to_stderr(verbose)
    with refusing():
        limits = limits_of(context)
        admitted = admission(context, options)
        listen = listening(options)
        watching = Watching(options)

    def prepare(core: CoreInterface) -> RedsState:
        picture = open_source(source, size, frozen)
        reds = RedsState(limits)
        reds.image_compression = Compression(compression)
        reds.exit_on_disconnect = exit_on_disconnect
        reds.init(core)
        admitted.apply(reds)
        picture.attach(reds)
        return reds

    def ready(server: Server) -> None:
        admitted.check_places(server.addresses)
        announce(server)
        announce_pages(watching.places)
        for place in watching.places:
            if not is_loopback(place.host):
                logger.warning("everybody who reaches %s can read the statistics", place)
        if admitted.way is None:
            warn_of_openness(server)

    try:
        with refusing():
            run(prepare, ready, listen, watching.beside)
    except OSError as error:
        raise Refusal(
            f"cannot listen on {error.filename or 'a socket'}: {error.strerror}"
        ) from None


def announce(server: Server) -> None:
    """One line for programs on stdout for each address, a hint for people on a terminal."""
    for address in server.addresses:
        over_tls = isinstance(address, TcpAddress) and address.tls
        print(f"listening on {address}{' (TLS)' if over_tls else ''}", flush=True)
    if sys.stderr.isatty():
        for address in server.addresses:
            click.echo(f"connect with: remote-viewer {viewer_uri(address)}", err=True)


def warn_of_openness(server: Server) -> None:
    """Say who may connect to a server without a password, if that is more than this machine."""
    for address in server.addresses:
        if isinstance(address, TcpAddress) and not is_loopback(address.host):
            logger.warning("no password: everybody who reaches %s can connect", address)


def viewer_uri(address: TcpAddress | str) -> str:
    """What to tell a viewer on this machine."""
    if isinstance(address, str):
        return f"spice+unix://{quote(os.path.abspath(address))}"
    every = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    host, port = every.get(address.host, address.host), address.port
    if address.tls:
        return f"spice://{f'[{host}]' if ':' in host else host}?tls-port={port}"
    return f"spice://{TcpAddress(host, port)}"


def is_loopback(host: str) -> bool:
    """True if only this machine can reach the address; names other than localhost are not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
