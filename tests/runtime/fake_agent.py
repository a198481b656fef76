"""An agent in memory, at the other end of its device; and what a viewer says to it."""

from __future__ import annotations

import struct
from typing import Any

from redspice.agent.bodies import AgentMessage, AnnounceCapabilities, Clipboard, Reply
from redspice.agent.messages import build_message, parse_message
from redspice.caps import Capabilities, MainCap
from redspice.interfaces import CharDeviceInterface
from redspice.reds import RedsState
from redspice_protocol.base import MsgData
from redspice_protocol.main import MsgcMainAgentStart, MsgcMainAgentToken
from runtime.peer import Viewer

CLIENT, SERVER = 1, 2
MAX_CHUNK = 2048
SAID = Reply(2, 1)
"""A message of one piece."""
PIECE = build_message(SAID)
LARGE = Clipboard(1, bytes(3 * MAX_CHUNK))


def chunk(piece: bytes, port: int = CLIENT) -> bytes:
    return struct.pack("<II", port, len(piece)) + piece


def header(type: int, size: int, protocol: int = 1) -> bytes:
    return struct.pack("<IIQI", protocol, type, 0, size)


class FakeAgent(CharDeviceInterface):
    """What it says waits until the server reads it; it takes `room` bytes of the server."""

    subtype = "vdagent"

    def __init__(self, room: int = 1 << 30) -> None:
        super().__init__()
        self.out = bytearray()
        self.heard = bytearray()
        self.room = room
        self.states: list[bool] = []

    def state(self, connected: bool) -> None:
        self.states.append(connected)

    def read(self, most: int) -> bytes:
        data = bytes(self.out[:most])
        del self.out[:most]
        return data

    def write(self, data: memoryview) -> int:
        taken = data[: self.room]
        self.room -= len(taken)
        self.heard += taken
        return len(taken)

    def say_bytes(self, data: bytes) -> None:
        self.out += data
        self.wakeup()

    def say(self, message: AgentMessage) -> None:
        """Say a message in as few chunks as may be."""
        data = build_message(message)
        pieces = (data[at : at + MAX_CHUNK] for at in range(0, len(data), MAX_CHUNK))
        self.say_bytes(b"".join(map(chunk, pieces)))

    def announce(self, *caps: int) -> None:
        self.say(AnnounceCapabilities(0, Capabilities(caps).to_words()))

    def chunks(self) -> list[tuple[int, bytes]]:
        """What it was told since: whole chunks, each with its port."""
        found = []
        while len(self.heard) >= 8:
            port, size = struct.unpack_from("<II", self.heard)
            if len(self.heard) < 8 + size:
                break
            found.append((port, bytes(self.heard[8 : 8 + size])))
            del self.heard[: 8 + size]
        return found

    def messages(self, port: int) -> list[AgentMessage]:
        """What it was told since on one port, in messages of one chunk each."""
        return [parse_message(piece) for own, piece in self.chunks() if own == port]


class AgentUser:
    """A viewer that talks to the agent."""

    def __init__(self, reds: RedsState, **link: Any) -> None:
        link.setdefault("channel_caps", (MainCap.AGENT_CONNECTED_TOKENS,))
        self.viewer = Viewer(reds, **link)
        self.main = self.viewer.main

    def closed(self) -> bool:
        return self.main.connection.closed

    def start(self, tokens: int = 0xFFFFFFFF) -> AgentUser:
        self.main.send("agent_start", MsgcMainAgentStart(num_tokens=tokens))
        return self

    def grant(self, tokens: int) -> None:
        self.main.send("agent_token", MsgcMainAgentToken(num_tokens=tokens))

    def send(self, piece: bytes) -> None:
        self.main.send("agent_data", MsgData(data=piece))

    def say(self, message: AgentMessage) -> None:
        data = build_message(message)
        for at in range(0, len(data), MAX_CHUNK):
            self.send(data[at : at + MAX_CHUNK])

    def told(self) -> list[tuple[str, object]]:
        """What the server said since about the agent: names with data, tokens or None."""
        found: list[tuple[str, object]] = []
        for one in self.main.messages():
            if one.name == "agent_data":
                found.append((one.name, bytes(one.message.data)))
            elif one.name.startswith("agent_"):
                found.append((one.name, getattr(one.message, "num_tokens", None)))
        return found

    def pieces(self) -> list[bytes]:
        """The pieces of the agent's messages that came since."""
        return [data for name, data in self.told() if isinstance(data, bytes)]


def with_agent(reds: RedsState, **options: Any) -> FakeAgent:
    agent = FakeAgent(**options)
    reds.add_interface(agent)
    return agent


def several(reds: RedsState) -> tuple[AgentUser, AgentUser]:
    """Two viewers that have started the agent."""
    reds.allow_multiple_clients = True
    return AgentUser(reds).start(), AgentUser(reds).start()
