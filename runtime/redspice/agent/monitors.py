"""A viewer's monitors configuration that the server acts on: collected from its pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redspice.agent.bodies import MonitorsConfig
from redspice.agent.errors import AgentError
from redspice.agent.headers import MESSAGE_HEADER_SIZE
from redspice.agent.messages import parse_message

if TYPE_CHECKING:
    from redspice.agent.headers import MessageHeader

# As the reference server accepts; no desk has more.
MAX_MONITORS = 256
# Number and flags, then for each monitor 20 bytes of pixels and 4 of millimetres.
MAX_BODY = 8 + MAX_MONITORS * (20 + 4)


class MonitorsCollector:
    """Puts the pieces of one configuration after the other together."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def add(self, header: MessageHeader, piece: bytes) -> MonitorsConfig | None:
        """The configuration, once all of it is there.

        Raises `AgentError` for one that is too large or makes no sense.
        """
        if header.size > MAX_BODY:
            raise AgentError(f"monitors configuration of {header.size} bytes, at most {MAX_BODY}")
        self._pieces += piece
        if len(self._pieces) < MESSAGE_HEADER_SIZE + header.size:
            return None
        data = bytes(self._pieces)
        self._pieces.clear()
        config = parse_message(data)
        if not isinstance(config, MonitorsConfig):
            raise AgentError(f"message of type {header.type} is no monitors configuration")
        if len(config.monitors) > MAX_MONITORS:
            raise AgentError(f"{len(config.monitors)} monitors, at most {MAX_MONITORS}")
        return config
