"""A light viewer on real sockets: links, acknowledges, answers pings, and counts what it gets.

It draws nothing. What a scenario wants to look at it gets through `Channel.on_message`; what a
scenario wants the viewer not to do it prevents with `Channel.stop_reading`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Callable, Generator
from functools import lru_cache
from typing import cast

from redspice.caps import CommonCap
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgcAckSync, MsgcPong
from runtime.peer import DISPLAY_INIT, Peer, link_message

HEADER = struct.Struct("<HI")
WORD = struct.Struct("<I")
LINK_HEADER_SIZE = 16
KEY = slice(4, 166)
PATIENCE = 10.0
"""Seconds that the link stage of a viewer may take, if a scenario does not say otherwise."""
TOGETHER = 0.01
"""Seconds between two messages of one picture, at most. The demo draws every 0.05 s."""

Address = tuple[str, int]
OnMessage = Callable[[str, bytes], None]


class LinkFailedError(Exception):
    """The server refused the link, or hung up."""


# Links without a password share a key, and encrypting for one is half of a viewer's work.
make_ticket = lru_cache(maxsize=16)(Peer.encrypt)


class Channel(asyncio.Protocol):
    """One connection of a viewer."""

    def __init__(
        self,
        name: str,
        connection_id: int = 0,
        password: str = "",
        on_message: OnMessage = lambda name, body: None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.name = name
        self.linked: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[str] = loop.create_future()
        """Why it ended."""
        self.counts: Counter[str] = Counter()
        """How many messages came, by name."""
        self.bytes = 0
        self.pictures = 0
        """How often the screen changed: DRAW_COPY messages that come together are one picture."""
        self.on_message = on_message
        """Called with the name and the body of each message."""
        self._connection_id = connection_id
        self._password = password
        self._inbox = bytearray()
        self._drawn_at = 0.0
        self._window = self._until_ack = 0
        self._stage = self._link()
        self._wanted: int | None = next(self._stage)
        self._transport: asyncio.Transport

    # The connection.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(link_message(self.name, connection_id=self._connection_id))

    def data_received(self, data: bytes) -> None:
        self._inbox += data
        self.bytes += len(data)
        while self._wanted is not None and len(self._inbox) >= self._wanted:
            self._advance()
        if self._wanted is None:
            self._read_messages()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.linked.done():
            self.linked.set_exception(LinkFailedError(str(error or "hung up")))
            self.linked.exception()  # looked at, if nobody else does
        self.gone.set_result(str(error or "hung up"))

    def stop_reading(self) -> None:
        """Leave what comes in the socket's buffer."""
        self._transport.pause_reading()

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def kill(self) -> None:
        """Vanish as a process does that is killed: the peer sees a reset."""
        sock = self._transport.get_extra_info("socket")
        linger_off = struct.pack("ii", 1, 0)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_off)
        self._transport.abort()

    # The link stage.

    def _link(self) -> Generator[int, bytes, None]:
        header = yield LINK_HEADER_SIZE
        reply = yield WORD.unpack_from(header, 12)[0]
        error = WORD.unpack_from(reply)[0]
        if error:
            raise LinkFailedError(f"error {error}")
        ticket = make_ticket(bytes(reply[KEY]), self._password)
        self._transport.write(WORD.pack(CommonCap.AUTH_SPICE) + ticket)
        result = yield WORD.size
        if any(result):
            raise LinkFailedError(f"result {WORD.unpack(result)[0]}")

    def _advance(self) -> None:
        piece = bytes(self._inbox[: self._wanted])
        del self._inbox[: self._wanted]
        try:
            self._wanted = self._stage.send(piece)
        except StopIteration:
            self._wanted = None
            self.linked.set_result(None)
        except LinkFailedError as error:
            self.linked.set_exception(error)
            self._wanted = None
            self._transport.abort()

    # Messages.

    def send(self, name: str, message: object | None = None) -> None:
        """Send one message; without fields it needs no object."""
        message_type = CHANNELS[self.name].client.by_name[name]
        body = message_type.marshal(message_type.type() if message is None else message)
        self._transport.write(HEADER.pack(message_type.id, len(body)) + body)

    def _read_messages(self) -> None:
        types = CHANNELS[self.name].server.by_id
        inbox, start = self._inbox, 0
        while len(inbox) - start >= HEADER.size:
            type, size = HEADER.unpack_from(inbox, start)
            end = start + HEADER.size + size
            if len(inbox) < end:
                break
            self._take(types[type].name, bytes(inbox[start + HEADER.size : end]))
            start = end
        del inbox[:start]

    def _take(self, name: str, body: bytes) -> None:
        self.counts[name] += 1
        self.on_message(name, body)
        if name == "draw_copy":
            now = asyncio.get_running_loop().time()
            self.pictures += now - self._drawn_at > TOGETHER
            self._drawn_at = now
        if name == "ping":
            ping = CHANNELS[self.name].server.by_name["ping"].demarshal(body)
            self.send("pong", MsgcPong(id=ping.id, timestamp=ping.timestamp))
        elif name == "set_ack":
            ack = CHANNELS[self.name].server.by_name["set_ack"].demarshal(body)
            self.send("ack_sync", MsgcAckSync(generation=ack.generation))
            self._window = self._until_ack = ack.window
            return
        if self._window:
            self._until_ack -= 1
            if self._until_ack == 0:
                self.send("ack")
                self._until_ack = self._window


async def connect(
    address: Address,
    name: str,
    *,
    connection_id: int = 0,
    password: str = "",
    source: str | None = None,
    patience: float = PATIENCE,
    on_message: OnMessage = lambda name, body: None,
) -> Channel:
    """A linked channel. Raises `LinkFailedError`, `OSError` or `TimeoutError`.

    `source` is the address of this machine that the server is to see.
    """
    loop = asyncio.get_running_loop()
    channel = Channel(name, connection_id, password, on_message)
    async with asyncio.timeout(patience):
        await loop.create_connection(
            lambda: channel, *address, local_addr=None if source is None else (source, 0)
        )
        try:
            await asyncio.shield(channel.linked)
        except BaseException:
            channel.kill()
            raise
    return channel


class Viewer:
    """Main and display, and whatever other channels a scenario asks for."""

    def __init__(self, main: Channel, channels: dict[str, Channel]) -> None:
        self.main = main
        self.channels = channels

    @property
    def display(self) -> Channel:
        return self.channels["display"]

    @property
    def frames(self) -> int:
        """Pictures up to now."""
        return self.display.pictures

    @property
    def everything(self) -> list[Channel]:
        return [self.main, *self.channels.values()]

    @property
    def alive(self) -> bool:
        """Whether all its channels are there."""
        return not any(channel.gone.done() for channel in self.everything)

    def close(self) -> None:
        for channel in self.everything:
            channel.close()

    def kill(self) -> None:
        for channel in self.everything:
            channel.kill()


async def open_viewer(
    address: Address,
    others: tuple[str, ...] = (),
    *,
    password: str = "",
    source: str | None = None,
    patience: float = PATIENCE,
) -> Viewer:
    """A viewer whose display has said INIT. Raises what `connect` raises."""
    session: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def look(name: str, body: bytes) -> None:
        if name == "init" and not session.done():
            session.set_result(CHANNELS["main"].server.by_name["init"].demarshal(body).session_id)

    link = {"password": password, "source": source, "patience": patience}
    main = await connect(address, "main", on_message=look, **link)
    channels: dict[str, Channel] = {}
    try:
        async with asyncio.timeout(patience):
            session_id = await session
        for name in ("display", *others):
            channels[name] = await connect(address, name, connection_id=session_id, **link)
    except BaseException:
        for channel in (main, *channels.values()):
            channel.kill()
        raise
    channels["display"].send("init", DISPLAY_INIT)
    return Viewer(main, channels)
