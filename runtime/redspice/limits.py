"""Every limit of a server that its operator may want to change, in one place.

A limit bounds what one viewer, or somebody who is none, may cost: time, sockets, memory. What the
protocol itself fixes (the sizes of link messages, of tickets, of each channel's messages) is not
here: no viewer needs more, and none may be refused less. Neither are queues whose length follows
from that; `docs/limits.md` has both.

Each field says what it bounds and why it is as large as it is; the options of the command, their
help and a test of the documentation are made from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import NamedTuple, TypeVar

from redspice.errors import ConfigurationError

Value = TypeVar("Value")

# A deadline that is longer would be none.
DAY = 86400
# What the system takes as a number.
MOST = 0x7FFFFFFF
# Where the system keeps it in 16 bits.
MOST_SHORT = 0x7FFF


class Limit(NamedTuple):
    """What there is to know of a field of `Limits`."""

    name: str
    default: float | None
    unit: str
    bounds: str
    """What it bounds, and what happens to what is over it."""
    reason: str
    """Why the default is as large as it is."""
    least: float
    most: int

    @property
    def whole(self) -> bool:
        """Whether it has no fraction."""
        return not isinstance(self.default, float)

    def check(self, value: object) -> None:
        """Raises `ConfigurationError` for what this limit cannot be."""
        if value is None and self.default is None:
            return
        kind = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind) or not isfinite(value):
            raise ConfigurationError(f"{self.name}: {value!r} is not a number of {self.unit}")
        if not self.least <= value <= self.most:
            raise ConfigurationError(f"{self.name}: {value} is not in {self.least}..{self.most}")


def _limit(
    default: Value, unit: str, bounds: str, reason: str, least: float = 1, most: int = MOST
) -> Value:
    about = {
        "default": default,
        "unit": unit,
        "bounds": bounds,
        "reason": reason,
        "least": least,
        "most": most,
    }
    return field(default=default, metadata=about)


def _seconds(default: float, bounds: str, reason: str) -> float:
    return _limit(default, "seconds", bounds, reason, least=0.001, most=DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one server. Raises `ConfigurationError` for values that cannot be."""

    # Who gets in.

    max_clients: int | None = _limit(
        None,
        "viewers",
        "Viewers at once, if several are let in; one more is refused.",
        "As many as there are sockets for.",
    )
    max_sockets: int = _limit(
        512,
        "sockets",
        "Sockets open at once; a newer one is closed.",
        "A viewer has about a dozen. More would eat the file descriptors of a process.",
    )
    max_unlinked: int = _limit(
        256,
        "sockets",
        "Of these, sockets that have not linked (TLS handshake, upgrade, link stage); the oldest "
        "of the host that has the most makes way.",
        "Dozens of viewers that connect at the same moment.",
    )
    max_unlinked_per_host: int = _limit(
        128,
        "sockets",
        "Of these, sockets of one IPv4 address or IPv6 /64; the oldest makes way.",
        "A classroom behind the same router.",
    )
    listen_backlog: int = _limit(
        1024,
        "sockets",
        "Connections that the system keeps until the server takes them.",
        "What a flood offers in a second: over the limit, viewers try again after one or three. "
        "The system may have a lower limit.",
        most=MOST_SHORT,
    )
    link_timeout: float = _seconds(
        10.0,
        "For a TLS handshake, and again for upgrade and link stage together.",
        "Viewers ask for a password before they connect.",
    )
    suspicion_timeout: float = _seconds(
        30.0,
        "After a link of a host has failed: so long its links wait behind those of others, where "
        "links have to wait at all.",
        "Who floods fails many times in that, and who mistyped a password has tried again.",
    )
    init_timeout: float = _seconds(
        30.0,
        "From the link of a display until the viewer says INIT.",
        "As long as the reference server waits.",
    )
    max_upgrade_bytes: int = _limit(
        4096,
        "bytes",
        "An upgrade to WebSocket; a longer one is answered with 431.",
        "Browsers send less than one KiB, but cookies of the same host come with it.",
        least=512,
    )
    max_frame_bytes: int = _limit(
        256 * 1024,
        "bytes",
        "A frame of a WebSocket, which is kept until all of it is there; a larger one ends the "
        "connection.",
        "Viewers write far less at once.",
        least=4096,
    )

    # What a viewer may cost that is in.

    max_waiting_messages: int = _limit(
        1024,
        "messages",
        "Messages that wait for a viewer on one channel; then it is disconnected.",
        "A viewer that reads has a handful. This many mean that it sends requests and does not "
        "read the answers.",
        least=64,
    )
    max_waiting_bytes: int = _limit(
        16 << 20,
        "bytes",
        "Bytes of the same.",
        "A slow line, 10 Mbit/s, carries them in the 13 seconds after which nobody wants to see "
        "or hear it any more.",
        least=1 << 20,
    )
    max_glz_pixels: int = _limit(
        1 << 24,
        "pixels",
        "The windows of GLZ that are kept for a viewer, four bytes each.",
        "spice-gtk offers no more, 64 MiB, for one window that all its displays share.",
    )
    max_glz_viewers: int = _limit(
        4,
        "viewers",
        "Viewers of one screen that get GLZ; while more watch it all of them get LZ instead.",
        "It saves bytes, but each viewer has its pictures encoded and its window filled for it "
        "alone. A few are worth a processor, two hundred are not.",
    )
    write_timeout: float = _seconds(
        30.0,
        "In which a viewer reads nothing of what waits in its socket; then it is disconnected.",
        "As long as the reference server lets a connection stand still. A slow viewer reads a "
        "little.",
    )
    ack_timeout: float = _seconds(
        30.0,
        "In which a viewer does not acknowledge what it was sent; then it is disconnected.",
        "The same.",
    )
    slowest_rate: int = _limit(
        32 * 1024,
        "bytes/s",
        "The slowest line of any use: for bytes on their way it has that much more time.",
        "256 kbit/s.",
    )
    silence_timeout: float = _seconds(
        30.0,
        "In which a viewer is silent, before it is asked; and in which it then has to answer.",
        "As the reference server.",
    )
    keepalive_idle: int = _limit(
        600,
        "seconds",
        "Silence after which TCP itself asks whether the peer is there.",
        "As the reference server.",
        most=MOST_SHORT,
    )
    close_timeout: float = _seconds(
        3.0,
        "For a viewer to read what is left and hang up, once the server closes.",
        "Time for the last words on a slow line; the end of the server waits for it.",
    )

    # Between viewers and the guest's devices.

    agent_turn_timeout: float = _seconds(
        30.0,
        "For the next piece of a message to the agent that a viewer has begun, while those of "
        "others wait; then it is disconnected.",
        "As long as the reference server waits for a viewer anywhere else.",
    )
    device_token_timeout: float = _seconds(
        30.0,
        "In which one of several viewers grants no token for what the agent says, or has no room "
        "for it; then it is disconnected.",
        "As the reference server.",
    )
    device_timeout: float = _seconds(
        30.0,
        "In which a port, a USB or a WebDAV device takes nothing of what waits for it; then its "
        "viewer loses that channel.",
        "The viewer is not read meanwhile, so nothing else would notice. A guest that is stopped "
        "may take as long as it likes.",
    )

    # Viewers that move from one server to another.

    migration_connect_timeout: float = _seconds(
        10.0,
        "For viewers to connect to the server that their guest is to move to; then it goes on "
        "without those that have not.",
        "As the reference server.",
    )
    migration_leave_timeout: float = _seconds(
        10.0,
        "For viewers to leave for the other server once their guest has moved; then they are "
        "disconnected.",
        "As the reference server. The guest stands still meanwhile.",
    )
    migration_timeout: float = _seconds(
        3600.0,
        "For a viewer that another server has sent here, until its guest has come too.",
        "A large guest takes a while on a slow line. The viewer knows the password, and costs "
        "its sockets.",
    )
    migration_data_timeout: float = _seconds(
        10.0,
        "For the state of such a viewer's other channels, once its main channel has brought its "
        "own; those without are closed then.",
        "As the reference server. The viewer has it, and only passes it on.",
    )

    # Who watches the server.

    metrics_timeout: float = _seconds(
        5.0,
        "For a connection to the page of metrics, until it has the page; then it is cut off.",
        "A request and a page take milliseconds.",
    )

    def __post_init__(self) -> None:
        for limit in LIMITS.values():
            limit.check(getattr(self, limit.name))
        if self.max_unlinked >= self.max_sockets:
            # Else whoever says nothing could take all of them.
            raise ConfigurationError(
                f"max_unlinked: {self.max_unlinked} is not less than max_sockets, "
                f"{self.max_sockets}"
            )


LIMITS: Mapping[str, Limit] = {
    each.name: Limit(each.name, **each.metadata) for each in fields(Limits)
}
"""All limits by name, in the order of the fields."""

DEFAULT_LIMITS = Limits()
