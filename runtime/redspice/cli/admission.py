"""The options of `redspice serve` that say who may connect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypedDict

import click
from click.core import ParameterSource

from redspice.aio import TcpAddress
from redspice.cli.files import FileName
from redspice.cli.pairs import PairOption, PairValue
from redspice.cli.passwords import ask_password, first_line
from redspice.cli.refusal import Refusal
from redspice.cli.sections import Section
from redspice.reds import RedsState
from redspice.sasl.user_file import UserFile
from redspice.security import ChannelSecurity
from redspice_protocol import CHANNELS

DEFAULT = "default"
"""What stands for all channels without a rule of their own."""

SECURITY = {
    "plain": ChannelSecurity.PLAIN,
    "tls": ChannelSecurity.TLS,
    "both": ChannelSecurity.BOTH,
}


Apply = Callable[[RedsState], None]


class AdmissionOptions(TypedDict):
    """What `ADMISSION` gives a command."""

    password_file: str | None
    ask_password: bool
    password: str | None
    sasl: str | None
    sasl_plain: bool
    security: tuple[tuple[str, str], ...]
    multi: bool


ADMISSION = Section(
    "Who may connect (everybody, unless told)",
    (
        click.Option(
            ["--password-file"],
            type=FileName(),
            help="Who knows the first line of this file; - is stdin.",
        ),
        click.Option(["--ask-password"], is_flag=True, help="The same, asked for when it starts."),
        click.Option(
            ["--password"],
            envvar="REDSPICE_PASSWORD",
            show_envvar=True,
            help="The same; safer in the variable, as others can see arguments.",
        ),
        click.Option(
            ["--sasl"], type=FileName(), help="The users in this file (see redspice users)."
        ),
        click.Option(
            ["--sasl-plain"],
            is_flag=True,
            help="With --sasl: also where there is no TLS, for viewers that can do without.",
        ),
        PairOption(
            ["--security"],
            type=PairValue((DEFAULT, *sorted(CHANNELS)), tuple(SECURITY)),
            metavar="CHANNEL=WAY",
            multiple=True,
            help="Over what a channel may come: plain, tls or both; 'default' is all channels "
            "that are not named. May be repeated.  [default: default=both]",
        ),
        click.Option(
            ["--multi/--single"],
            default=False,
            show_default=True,
            help="Let several viewers in at once, or let a new one replace the other.",
        ),
    ),
)

# The first of these that names a way to come in counts.
SOURCES = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP)


def _by_password(password: str) -> Apply:
    if not password:
        raise Refusal("the password is empty; leave the option out to let everybody in")
    return lambda reds: reds.set_ticket(password)


def _by_users(options: AdmissionOptions) -> Apply:
    users = UserFile(str(options["sasl"]))
    return lambda reds: reds.set_sasl(users, allow_plain_sockets=options["sasl_plain"])


WAYS: Mapping[str, Callable[[AdmissionOptions], Apply]] = {
    "password_file": lambda options: _by_password(first_line(str(options["password_file"]))),
    "ask_password": lambda options: _by_password(ask_password()),
    "password": lambda options: _by_password(str(options["password"])),
    "sasl": _by_users,
}
"""The options that say who may connect, and what each of them tells a server."""


class Admission(NamedTuple):
    """Who may connect."""

    apply: Apply
    """Tells a server."""
    way: str | None
    """The option that says so; None if everybody may."""
    rules: tuple[tuple[str, str], ...]
    """Channels, and over what they may come."""
    sasl_plain: bool

    def check_places(self, addresses: Sequence[TcpAddress | str]) -> None:
        """Raises `Refusal` if nobody could come in at any of these places."""
        tcp = [address for address in addresses if isinstance(address, TcpAddress)]
        if len(tcp) < len(addresses):
            return  # a unix socket fits every rule
        ways = {"tls" if address.tls else "plain" for address in tcp}
        for channel, security in self.rules:
            if security != "both" and security not in ways:
                raise Refusal(f"--security {channel}={security}: it listens nowhere for that")
        if self.way == "sasl" and "tls" not in ways and not self.sasl_plain:
            raise Refusal("--sasl needs --tls-port or --unix (or else --sasl-plain)")


def admission(context: click.Context, options: AdmissionOptions) -> Admission:
    """Who may connect. Reads or asks for the password. Raises `Refusal`, `ConfigurationError`."""
    way = chosen_way(context)
    if options["sasl_plain"] and options["sasl"] is None:
        raise Refusal("--sasl-plain is for --sasl")
    let_in = RedsState.set_noauth if way is None else WAYS[way](options)

    def apply(reds: RedsState) -> None:
        let_in(reds)
        reds.allow_multiple_clients = options["multi"]
        for channel, security in options["security"]:
            reds.set_channel_security(None if channel == DEFAULT else channel, SECURITY[security])

    return Admission(apply, way, options["security"], options["sasl_plain"])


def chosen_way(context: click.Context) -> str | None:
    """The one that was given; the command line wins over the environment, both over a file."""
    for source in SOURCES:
        given = [
            name
            for name in WAYS
            if context.get_parameter_source(name) is source
            and context.params[name] not in (None, False)
        ]
        if len(given) > 1:
            names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
            raise Refusal(f"{names}: give one of them")
        if given:
            return given[0]
    return None
