"""Whose message goes to the agent: of several viewers one after the other.

The agent knows only one viewer. Pieces of two messages that came mixed would be noise to it, so
from the first piece of a message to its last the line belongs to its sender, and what others send
waits; how much that may be is bounded by their tokens. A sender that stops halfway while others
wait has `agent_turn_timeout` seconds for its next piece.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from redspice.limits import Limits

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface

SenderT = TypeVar("SenderT")


class Turns(Generic[SenderT]):
    """The line to the agent. `write` is given each piece when its turn has come, `overdue` whoever
    holds up the others; `limits` are asked for when one begins to."""

    def __init__(
        self,
        core: CoreInterface,
        write: Callable[[SenderT, bytes], None],
        overdue: Callable[[SenderT], None],
        limits: Callable[[], Limits] = Limits,
    ) -> None:
        self._write = write
        self._overdue = overdue
        self._limits = limits
        self._open = True
        self._holder: SenderT | None = None
        self._waiting: dict[SenderT, deque[tuple[bytes, bool]]] = {}
        self._deadline = core.timer(self._timed_out)

    def submit(self, sender: SenderT, piece: bytes, last: bool) -> None:
        """The next piece of a sender's message; `last` ends the message."""
        if not self._open:
            return
        if self._holder in (None, sender):
            self._pass_on(sender, piece, last)
            self.advance()
        else:
            if not self._waiting:
                self._start_deadline()
            self._waiting.setdefault(sender, deque()).append((piece, last))

    def resume(self, sender: SenderT) -> None:
        """A sender goes on with a message that it began at another server."""
        if self._holder is None:
            self._holder = sender

    def leave(self, sender: SenderT) -> bool:
        """Forget a sender. True if its message was cut short: tell the agent, then `advance`."""
        self._waiting.pop(sender, None)
        if self._holder != sender:
            return False
        self._holder = None
        return True

    def advance(self) -> None:
        """Let those that wait go on, as far as the line is free: a message each, in turn."""
        while self._holder is None and self._waiting:
            sender = next(iter(self._waiting))
            pieces = self._waiting.pop(sender)
            while pieces:
                self._pass_on(sender, *pieces.popleft())
                if self._holder is None:
                    break
            if pieces:
                self._waiting[sender] = pieces
        if not self._waiting:
            self._deadline.cancel()

    def close(self) -> None:
        """Forget everybody, for good."""
        self._open = False
        self._holder = None
        self._waiting.clear()
        self._deadline.cancel()

    def _pass_on(self, sender: SenderT, piece: bytes, last: bool) -> None:
        self._holder = None if last else sender
        if self._waiting:
            self._start_deadline()
        self._write(sender, piece)

    def _start_deadline(self) -> None:
        self._deadline.start(self._limits().agent_turn_timeout)

    def _timed_out(self) -> None:
        if self._holder is not None:
            self._overdue(self._holder)
