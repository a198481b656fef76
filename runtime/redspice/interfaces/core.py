"""How the embedder lends its loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeVar

from redspice.interfaces.base import Interface

Result = TypeVar("Result")


class ChannelEvent(Enum):
    """What happened to one channel of one viewer."""

    CONNECTED = auto()
    """The link message is accepted; the viewer has not proved who it is."""
    INITIALIZED = auto()
    """The ticket was right and messages flow."""
    DISCONNECTED = auto()
    """The connection is over; comes once for each CONNECTED."""


@dataclass(frozen=True, slots=True)
class ChannelEventInfo:
    """Which channel of which viewer an event is about."""

    connection_id: int
    """The session id; 0 until a new viewer's main channel is initialized."""
    channel_type: int
    channel_id: int
    peer: str
    """Where the viewer is, as `host:port`; "unix" on a unix socket."""
    local_address: str = ""
    """The server's end of the socket, as `host:port` or a path; empty when nobody knows."""
    tls: bool = False


class Timer(Protocol):
    """One deadline: fires its callback once, `delay` seconds after the last `start`."""

    def start(self, delay: float) -> None:
        """Arm the timer, or arm it anew."""

    def cancel(self) -> None:
        """Disarm; harmless on a timer that is not armed."""


class CoreInterface(Interface, ABC):
    """How the embedder lends its loop: the only source of time and of work done elsewhere."""

    @abstractmethod
    def now(self) -> float:
        """Seconds of a clock that never goes back."""

    @abstractmethod
    def timer(self, callback: Callable[[], None]) -> Timer:
        """A timer, not armed yet, that calls `callback` in the loop."""

    @abstractmethod
    def run_job(self, job: Callable[[], Result], done: Callable[[Result], None]) -> None:
        """Run `job()` where it does not hold up the loop, then `done(result)` in the loop."""

    def channel_event(self, event: ChannelEvent, info: ChannelEventInfo) -> None:
        """Told of every channel that comes and goes."""

    def exit(self) -> None:
        """End the program: the last viewer has left a server with `exit_on_disconnect`."""
