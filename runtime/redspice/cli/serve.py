"""`redspice serve`: a picture or the demo desktop, for any SPICE viewer."""

from __future__ import annotations

import ipaddress
import logging
import os
import sys
from urllib.parse import quote

import click

from redspice.aio import Server, TcpAddress, run
from redspice.cli.logs import log_to_stderr
from redspice.cli.refusal import Refusal
from redspice.cli.source import open_source
from redspice.errors import ConfigurationError
from redspice.interfaces import CoreInterface
from redspice.reds import RedsState

logger = logging.getLogger("redspice")

HELP = """Serve SOURCE to SPICE viewers: "demo" is a small desktop that shows your keys and your
pointer, "image:FILE" any picture.

\b
Examples:
  redspice serve demo
  redspice serve demo --size 1920x1080 --password secret
  redspice serve image:photo.png --port 5930 --multi
  redspice serve demo --unix /run/user/1000/demo.sock

Without a password everybody who reaches the address may connect. Ctrl-C ends the server.
"""


@click.command("serve", help=HELP)
@click.argument("source_name", metavar="SOURCE")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5900,
    show_default=True,
    help="TCP port; 0 takes a free one.",
)
@click.option(
    "--password",
    envvar="REDSPICE_PASSWORD",
    help="Ask viewers for it. Safer in the variable REDSPICE_PASSWORD: others can see arguments.",
)
@click.option("--size", metavar="WxH", help="Size of the demo.  [default: 1024x768]")
@click.option("--unix", metavar="PATH", help="Listen on a unix socket instead of TCP.")
@click.option("--frozen", is_flag=True, help="The demo without clock and animation.")
@click.option("--multi", is_flag=True, help="Let several viewers in at once.")
@click.option("--verbose", is_flag=True, help="Log every detail.")
def serve_command(
    source_name: str,
    host: str,
    port: int,
    password: str | None,
    size: str | None,
    unix: str | None,
    frozen: bool,
    multi: bool,
    verbose: bool,
) -> None:
    log_to_stderr(verbose)
    if password == "":
        raise Refusal("the password is empty; leave the option out to let everybody in")

    def prepare(core: CoreInterface) -> RedsState:
        source = open_source(source_name, size, frozen)
        reds = RedsState()
        reds.allow_multiple_clients = multi
        reds.init(core)
        admit(reds, password)
        source.attach(reds)
        return reds

    def ready(server: Server) -> None:
        announce(server)
        if password is None and unix is None and not is_loopback(host):
            logger.warning("no password: everybody who reaches %s can connect", host or "this host")

    try:
        run(prepare, ready, host, port, unix=unix)
    except OSError as error:
        place = unix or TcpAddress(host, port)
        raise Refusal(f"cannot listen on {place}: {listen_reason(error)}") from None


def admit(reds: RedsState, password: str | None) -> None:
    """Let viewers in that know the password, or everybody if there is none."""
    if password is None:
        reds.set_noauth()
        return
    try:
        reds.set_ticket(password)
    except ConfigurationError as error:
        raise Refusal(str(error)) from None


def listen_reason(error: OSError) -> str:
    """Why a server cannot listen, in a few words."""
    number = error.errno or 0
    ours = isinstance(error, FileExistsError)  # its text says more than the system's
    return os.strerror(number) if number > 0 and not ours else error.strerror or str(error)


def announce(server: Server) -> None:
    """One line for programs on stdout, a hint for people on a terminal."""
    address = server.addresses[0]
    print(f"listening on {address}", flush=True)
    if sys.stderr.isatty():
        click.echo(f"connect with: remote-viewer {viewer_uri(address)}", err=True)


def viewer_uri(address: TcpAddress | str) -> str:
    """What to tell a viewer on this machine."""
    if isinstance(address, str):
        return f"spice+unix://{quote(os.path.abspath(address))}"
    every = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return f"spice://{address._replace(host=every.get(address.host, address.host))}"


def is_loopback(host: str) -> bool:
    """True if only this machine can reach the address; names other than localhost are not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
