"""Which agent messages pass the server: looks at the first bytes of each, in either direction.

A message comes in pieces. Its first piece has the whole header, from which follows the verdict on
all pieces up to its end; no piece holds bytes of two messages.

    between messages ── piece with a header ──► FORWARD, DISCARD, MONITORS_CONFIG until its end
    anything else                           ──► PROTO_ERROR, from then on for ever

What is allowed may change at any time, and counts for messages that begin afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from redspice.agent.bodies import MessageType
from redspice.agent.errors import AgentError
from redspice.agent.headers import (
    MESSAGE_HEADER_SIZE,
    PROTOCOL,
    MessageHeader,
    parse_message_header,
)

CLIPBOARD_TYPES = frozenset(
    {
        MessageType.CLIPBOARD,
        MessageType.CLIPBOARD_GRAB,
        MessageType.CLIPBOARD_REQUEST,
        MessageType.CLIPBOARD_RELEASE,
    }
)
FILE_TYPES = frozenset(
    {
        MessageType.FILE_XFER_START,
        MessageType.FILE_XFER_STATUS,
        MessageType.FILE_XFER_DATA,
    }
)


class Verdict(Enum):
    """What becomes of a piece of a message."""

    FORWARD = auto()
    DISCARD = auto()
    MONITORS_CONFIG = auto()
    """It is the server's to act on."""
    PROTO_ERROR = auto()
    """Its sender has broken the protocol; `MessageFilter.error` says how."""


@dataclass(slots=True)
class AgentRules:
    """What viewers and agent may tell each other."""

    copypaste: bool = True
    file_xfer: bool = True

    @property
    def everything(self) -> bool:
        """Whether nothing is forbidden."""
        return self.copypaste and self.file_xfer

    def verdict(self, type: int) -> Verdict:
        """What becomes of messages of this type; those of unknown types pass."""
        forbidden = (type in CLIPBOARD_TYPES and not self.copypaste) or (
            type in FILE_TYPES and not self.file_xfer
        )
        return Verdict.DISCARD if forbidden else Verdict.FORWARD


class MessageFilter:
    """What passes in one direction, of one sender."""

    def __init__(self, rules: AgentRules) -> None:
        self.rules = rules
        self.monitors_config = False
        """Whether the server acts on monitors configurations instead of the agent."""
        self.header: MessageHeader | None = None
        """Of the message that the last piece belonged to."""
        self.remaining = 0
        """Bytes that are missing of that message."""
        self.error = ""
        self._verdict = Verdict.FORWARD

    @property
    def verdict(self) -> Verdict:
        """What becomes of the present message."""
        return self._verdict

    def resume(self, remaining: int, verdict: Verdict) -> None:
        """Go on in the middle of a message that began at another server."""
        self.remaining, self._verdict = remaining, verdict

    @property
    def between_messages(self) -> bool:
        """Whether the next piece begins a message."""
        return self.remaining == 0

    def check(self, piece: bytes) -> Verdict:
        """Look at the next piece."""
        if self._verdict is Verdict.PROTO_ERROR:
            return self._verdict
        try:
            size = len(piece)
            if self.between_messages:
                self._begin(piece)
                size -= MESSAGE_HEADER_SIZE
            if size > self.remaining:
                raise AgentError(f"{size} bytes of a message of which {self.remaining} are missing")
        except AgentError as error:
            self.error = error.reason
            self._verdict = Verdict.PROTO_ERROR
        else:
            self.remaining -= size
        return self._verdict

    def _begin(self, piece: bytes) -> None:
        header = parse_message_header(piece)
        if header.protocol != PROTOCOL:
            raise AgentError(f"agent protocol {header.protocol}, not {PROTOCOL}")
        self.header = header
        self.remaining = header.size
        if header.type == MessageType.MONITORS_CONFIG and self.monitors_config:
            self._verdict = Verdict.MONITORS_CONFIG
        else:
            self._verdict = self.rules.verdict(header.type)
