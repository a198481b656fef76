"""The options of `redspice serve` that say where it listens, and how."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TypedDict

import click

from redspice.aio import (
    DEFAULT_PORT,
    ActivatedSockets,
    Starting,
    activated_sockets,
    serve,
    tls_context,
)
from redspice.cli.files import FileName, SocketName
from redspice.cli.passwords import first_line
from redspice.cli.refusal import Refusal
from redspice.cli.sections import Section
from redspice.reds import RedsState

PORT = click.IntRange(0, 65535)


class PlaceOptions(TypedDict):
    """What `PLACES` gives a command."""

    host: str
    port: int | None
    unix: str | None
    tls_port: int | None
    cert: str | None
    key: str | None
    key_password_file: str | None
    ca: str | None
    ciphers: str | None
    no_ws: bool
    ws_origin: tuple[str, ...]


PLACES = Section(
    "Where it listens",
    (
        click.Option(["--host"], default="127.0.0.1", show_default=True, help="Address of ports."),
        click.Option(
            ["--port"],
            type=PORT,
            help="TCP port; 0 takes a free one.  "
            f"[default: {DEFAULT_PORT}, unless another place is given]",
        ),
        click.Option(["--unix"], type=SocketName(), help="Unix socket; @NAME is an abstract one."),
        click.Option(["--tls-port"], type=PORT, help="TCP port for TLS."),
        click.Option(
            ["--cert"], type=FileName(), help="Certificate of the TLS port and its chain, PEM."
        ),
        click.Option(["--key"], type=FileName(), help="Its key.  [default: in the file of --cert]"),
        click.Option(
            ["--key-password-file"],
            type=FileName(),
            help="Whose first line opens an encrypted key.",
        ),
        click.Option(
            ["--ca"], type=FileName(), help="CA whose certificates viewers may show, PEM."
        ),
        click.Option(
            ["--ciphers"], metavar="LIST", help="Ciphers for TLS 1.2, as OpenSSL writes them."
        ),
        click.Option(["--no-ws"], is_flag=True, help="No WebSockets, by which browsers connect."),
        click.Option(
            ["--ws-origin"],
            metavar="ORIGIN",
            multiple=True,
            help="Web pages that may connect besides those of the same address, like "
            "https://desk.example.org; * for all. May be repeated.",
        ),
    ),
)


def listening(options: PlaceOptions) -> Callable[[RedsState], Starting]:
    """What starts a server there. Raises `Refusal` for options that cannot be, and
    `ConfigurationError` for files that cannot be used."""
    if options["no_ws"] and options["ws_origin"]:
        raise Refusal("--ws-origin is for WebSockets, which --no-ws turns off")
    activated = activated_sockets()
    context = _context(options, activated)

    def start(reds: RedsState) -> Starting:
        return serve(
            reds,
            options["host"],
            options["port"],
            unix=options["unix"],
            sock=activated.plain,
            tls=context,
            tls_port=options["tls_port"],
            tls_sock=activated.tls,
            ws=not options["no_ws"],
            ws_origins=options["ws_origin"],
        )

    return start


def _context(options: PlaceOptions, activated: ActivatedSockets) -> ssl.SSLContext | None:
    certificate = options["cert"]
    if options["tls_port"] is None and not activated.tls:
        for name in ("cert", "key", "key_password_file", "ca", "ciphers"):
            if options[name] is not None:
                raise Refusal(f"--{name.replace('_', '-')} is for TLS: give a --tls-port")
        return None
    if certificate is None:
        raise Refusal("TLS needs a certificate: --cert (make one for a trial: redspice cert)")
    password_file = options["key_password_file"]
    return tls_context(
        certificate,
        options["key"] or certificate,
        password=None if password_file is None else first_line(password_file),
        client_ca=options["ca"],
        ciphers=options["ciphers"],
    )
