"""A viewer in memory: plays the client's side of a `Connection`, byte by byte, without a socket.

It does only what a test tells it to, so it can be as slow, wrong or hostile as a test needs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from redspice.caps import Capabilities, CommonCap, DisplayCap, MainCap
from redspice.codecs import PixelFormat, spice_image
from redspice.codecs.glz_window import GlzWindow
from redspice.interfaces import CoreInterface
from redspice.reds import RedsState
from redspice.ticket_key import oaep
from redspice.transport import Transport
from redspice_protocol import CHANNELS, Buffer
from redspice_protocol.base import MsgcAckSync, MsgcPong
from redspice_protocol.display import MsgcDisplayInit
from redspice_protocol.enums import ImageType
from runtime.fake_core import FakeCore

PASSWORD = "open sesame"
COMMON_CAPS = (CommonCap.AUTH_SELECTION, CommonCap.AUTH_SPICE, CommonCap.MINI_HEADER)
CHANNEL_CAPS = {"main": (MainCap.NAME_AND_UUID,), "display": (DisplayCap.MONITORS_CONFIG,)}
DISPLAY_INIT = MsgcDisplayInit(
    pixmap_cache_id=1,
    pixmap_cache_size=1 << 20,
    glz_dictionary_id=1,
    glz_dictionary_window_size=1 << 20,
)


def link_message(
    channel: str,
    *,
    channel_id: int = 0,
    connection_id: int = 0,
    common_caps: Iterable[int] = COMMON_CAPS,
    channel_caps: Iterable[int] | None = None,
) -> bytes:
    """A well formed link message with its header."""
    if channel_caps is None:
        channel_caps = CHANNEL_CAPS.get(channel, ())
    common, own = Capabilities(common_caps).to_words(), Capabilities(channel_caps).to_words()
    mess = struct.pack(
        "<IBBIII", connection_id, CHANNELS[channel].id, channel_id, len(common), len(own), 18
    )
    mess += struct.pack(f"<{len(common) + len(own)}I", *common, *own)
    return struct.pack("<4sIII", b"REDQ", 2, 2, len(mess)) + mess


class Reply(NamedTuple):
    error: int
    public_key: bytes
    common_caps: Capabilities
    channel_caps: Capabilities


class Received(NamedTuple):
    """One message of the server; `message` is demarshalled."""

    name: str
    message: Any
    serial: int


class Peer:
    """One connection of a viewer."""

    core: CoreInterface | None = None

    def __init__(
        self,
        reds: RedsState,
        *,
        name: str = "viewer",
        local: bool = False,
        skip_auth: bool = False,
        **transport: Any,
    ) -> None:
        self.connection = reds.new_connection(
            Transport(name, local, **transport), skip_auth=skip_auth
        )
        self.core = reds.core
        self.inbox = bytearray()
        self.channel = ""
        self.mini = True
        self.wakes = 0
        self.acking = False
        self._window = 0
        self._until_ack = 0
        self._serial = 0
        self.connection.on_output = self._woken

    def _woken(self) -> None:
        self.wakes += 1

    # Bytes.

    def send_bytes(self, data: Buffer) -> None:
        self.connection.receive_data(data)

    def read(self, limit: int | None = None) -> None:
        """Take what the server has to say: everything, or `limit` rounds of sending."""
        while limit is None or limit > 0:
            buffers = self.connection.data_to_send()
            if not buffers:
                return
            for buffer in buffers:
                self.inbox += buffer
            if limit is not None:
                limit -= 1

    def take(self, size: int) -> bytes:
        self.read()
        assert len(self.inbox) >= size, f"{len(self.inbox)} of {size} bytes are there"
        data = bytes(self.inbox[:size])
        del self.inbox[:size]
        return data

    # The link stage.

    def await_answer(self) -> None:
        """Let the core do its jobs until the server has answered or hung up."""
        while isinstance(self.core, FakeCore):
            self.read()
            if self.inbox or self.connection.closed or not self.do_job():
                return

    def do_job(self) -> bool:
        """Let the core do one job; whether there was one."""
        if not isinstance(self.core, FakeCore) or not self.core.jobs:
            return False
        self.core.jobs.popleft()()
        return True

    def take_reply(self) -> Reply:
        self.await_answer()
        magic, major, minor, size = struct.unpack("<4sIII", self.take(16))
        assert (magic, major, minor) == (b"REDQ", 2, 2)
        body = self.take(size)
        error, key, common, own, offset = struct.unpack_from("<I162sIII", body)
        words = struct.unpack_from(f"<{common + own}I", body, offset)
        return Reply(
            error,
            key,
            Capabilities.from_words(words[:common]),
            Capabilities.from_words(words[common:]),
        )

    def take_result(self) -> int:
        return int(struct.unpack("<I", self.take(4))[0])

    @staticmethod
    def encrypt(public_key: bytes, password: str = PASSWORD) -> bytes:
        key = load_der_public_key(public_key)
        assert isinstance(key, RSAPublicKey)
        return key.encrypt(password.encode() + b"\0", oaep())

    def link(
        self,
        channel: str,
        *,
        password: str = PASSWORD,
        common_caps: Iterable[int] = COMMON_CAPS,
        **message: Any,
    ) -> int:
        """The whole link stage; returns the link result."""
        common = Capabilities(common_caps)
        self.channel = channel
        self.mini = CommonCap.MINI_HEADER in common
        self.send_bytes(link_message(channel, common_caps=common, **message))
        reply = self.take_reply()
        assert reply.error == 0
        if CommonCap.AUTH_SELECTION in common:
            self.send_bytes(struct.pack("<I", CommonCap.AUTH_SPICE))
        self.send_bytes(self.encrypt(reply.public_key, password))
        return self.take_result()

    # Messages.

    def frame(self, type: int, body: bytes) -> bytes:
        self._serial += 1
        if self.mini:
            return struct.pack("<HI", type, len(body)) + body
        return struct.pack("<QHII", self._serial, type, len(body), 0) + body

    def send(self, name: str, message: object | None = None) -> None:
        message_type = CHANNELS[self.channel].client.by_name[name]
        body = message_type.marshal(message_type.type() if message is None else message)
        self.send_bytes(self.frame(message_type.id, body))

    def messages(self, limit: int | None = None) -> list[Received]:
        """What the server has said since; if `acking` it is acknowledged, and pings answered."""
        received = []
        while True:
            self.read(limit)
            batch = self._parse()
            received += [one for one in batch if one.name != "ping" or not self.acking]
            if not batch or limit is not None:
                return received

    def names(self) -> list[str]:
        return [received.name for received in self.messages()]

    def _parse(self) -> list[Received]:
        header = struct.Struct("<HI" if self.mini else "<QHII")
        received = []
        start = 0
        while len(self.inbox) - start >= header.size:
            fields = header.unpack_from(self.inbox, start)
            serial, type, size = (0, *fields) if self.mini else fields[:3]
            body_start = start + header.size
            if len(self.inbox) - body_start < size:
                break
            start = body_start + size
            message_type = CHANNELS[self.channel].server.by_id[type]
            message = message_type.demarshal(bytes(self.inbox[body_start:start]))
            received.append(Received(message_type.name, message, serial))
        del self.inbox[:start]
        for one in received:
            self._acknowledge(one)
        return received

    def _acknowledge(self, received: Received) -> None:
        if not self.acking:
            return
        if received.name == "ping":
            ping = received.message
            self.send("pong", MsgcPong(id=ping.id, timestamp=ping.timestamp))
        if received.name == "set_ack":
            self.send("ack_sync", MsgcAckSync(generation=received.message.generation))
            self._window = self._until_ack = received.message.window
        elif self._window:
            self._until_ack -= 1
            if self._until_ack == 0:
                self.send("ack")
                self._until_ack = self._window


class Viewer:
    """A viewer with a main channel; `open` opens the others in its session."""

    def __init__(self, reds: RedsState, *, local: bool = True, **link: Any) -> None:
        self.reds = reds
        self.local = local
        self.main = Peer(reds, local=local)
        assert self.main.link("main", **link) == 0
        self.greeting = self.main.messages()
        assert self.greeting[0].name == "init"
        self.session_id = self.greeting[0].message.session_id

    def open(self, channel: str, *, acking: bool = True, **link: Any) -> Peer:
        peer = Peer(self.reds, local=self.local)
        peer.acking = acking
        assert peer.link(channel, connection_id=self.session_id, **link) == 0
        return peer

    def open_display(self, *, acking: bool = True, **link: Any) -> Peer:
        """A display channel that has said INIT."""
        peer = self.open("display", acking=acking, **link)
        peer.send("init", DISPLAY_INIT)
        return peer


def picture(
    received: Iterable[Received],
    canvas: bytearray,
    width: int,
    window: GlzWindow | None = None,
) -> list[ImageType]:
    """Draw the DRAW_COPY messages among `received` on a BGRX canvas of `width` pixels.

    Returns the types of the pictures. `window` has what GLZ pictures refer to.
    """
    window = GlzWindow() if window is None else window
    shown = np.frombuffer(canvas, np.uint8).reshape(-1, width, 4)
    types = []
    for name, message, _ in received:
        if name == "draw_copy":
            box, image = message.base.box, message.data.src_bitmap
            decoded = decode_image(image, window)
            shown[box.top : box.bottom, box.left : box.right] = decoded
            types.append(ImageType(image.descriptor.type))
    return types


def decode_image(image: Any, window: GlzWindow) -> Any:
    """The pixels of an image of ours as an array, (height, width, 4)."""
    descriptor, body = image.descriptor, image.u
    more: dict[str, Any] = {"window": window}
    if descriptor.type == ImageType.BITMAP:
        more |= {"bitmap_format": body.format, "flags": body.flags, "stride": body.stride}
    decoded = spice_image.decode(
        descriptor.type, body.data, descriptor.width, descriptor.height, **more
    )
    assert decoded.format is PixelFormat.BGRX32
    return decoded.array()
