"""What USB, port and WebDAV channels have in common: a pipe between a char device and one viewer.

The bytes are not looked at. They are a stream: where a message ends means nothing. Both ways they
may come compressed, when both ends have the capability.

    viewer  ── DATA, COMPRESSED_DATA ──►  SpicevmcDevice's queue  ── write ──►  guest
    viewer  ◄── pipe, 1 MiB at most ──────────────────────────────  ◄── read ──  guest

Rules: neither end can fill the memory. The device is read only while little waits for the viewer,
and again once that is sent. The viewer's socket is left unread while its bytes wait for the device;
a device that takes nothing for `device_timeout` seconds costs it the channel, unless the guest is
stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from redspice.caps import Capabilities, SpicevmcCap
from redspice.channel import TRANSFER, RedChannel
from redspice.channel_client import Handler, RedChannelClient
from redspice.codecs import lz4_block
from redspice.codecs.errors import CodecError
from redspice.errors import ProtocolError
from redspice.migration.data import UNLIMITED, CharDeviceData, SpicevmcData
from redspice.migration.movable_device import MovableDevice
from redspice.pipe import PipeItem
from redspice_protocol.base import MsgCompressedData, MsgData
from redspice_protocol.enums import DataCompressionType

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.interfaces import CharDeviceInterface
    from redspice.link import Linked
    from redspice.reds import RedsState
    from redspice_protocol import Buffer

# The body of a message, and what a compressed one may become. Viewers cut nothing: a transfer of a
# USB disk is up to 1 MiB, and what a program writes to a port in one go is one message.
MAX_MESSAGE_SIZE = 16 << 20
# What one read asks the device for, as the reference server does.
READ_SIZE = 64 * 1024
# Bytes that may wait for the viewer before the device is left alone, as in the reference server.
MOST_QUEUED = 1 << 20
# The same for messages: a device that says a byte at a time must not fill the pipe, which ends the
# connection; limits allow no pipe of fewer than 64 messages.
MOST_MESSAGES = 32
# Messages of the viewer that may wait for the device, as in the reference server; bytes are bounded
# too, as one message may have many.
TOKENS = 128
MOST_UNWRITTEN = 1 << 20
# Bytes from which on compression is tried: less is not worth it.
COMPRESS_FROM = 1000


class SpicevmcDevice(MovableDevice["SpicevmcChannelClient", bytes]):
    """The char device of one channel."""

    tokens = TOKENS

    def read_step(self) -> bool:
        data = self.receive_some(READ_SIZE)
        if data:
            self.send(data)
        return bool(data)

    def send_message(self, client: SpicevmcChannelClient, message: bytes) -> None:
        client.push_data(message)

    def send_tokens(self, client: SpicevmcChannelClient, count: int) -> None:
        client.device_took()

    def drop_client(self, client: SpicevmcChannelClient, reason: str) -> None:
        client.connection.fail(reason)

    def has_room(self, client: SpicevmcChannelClient) -> bool:
        return client.has_room

    def is_full(self, client: SpicevmcChannelClient) -> bool:
        """Whether as much of a viewer waits for the guest as may."""
        return self.tokens_of(client) == 0 or self.queued >= MOST_UNWRITTEN


class SpicevmcChannelClient(RedChannelClient):
    """The viewer's end of the pipe."""

    channel: SpicevmcChannel

    def __init__(
        self, channel: SpicevmcChannel, client: RedClient, connection: Connection, linked: Linked
    ) -> None:
        super().__init__(channel, client, connection, linked)
        self._device = channel.device
        can_decode = SpicevmcCap.DATA_COMPRESS_LZ4 in self.remote_caps
        # Where no line has to be saved, as on a unix socket, it only costs time.
        self._compresses = can_decode and not connection.local
        self._most_queued = min(MOST_QUEUED, channel.reds.limits.max_waiting_bytes // 2)
        self._deadline = channel.core.timer(self._overdue)
        self._device_timeout = 0.0
        self._unwritten = 0
        by_name = channel.messages.server.by_name
        self._data, self._compressed_data = by_name["data"], by_name["compressed_data"]

    def start(self) -> None:
        super().start()
        self._open_device()

    def save(self) -> bytes:
        # The tokens are not the viewer's to count: it sends as fast as its socket is read.
        device = CharDeviceData(
            connected=True,
            client_tokens=UNLIMITED,
            send_tokens=UNLIMITED,
            write_data=self._device.take_unwritten(),
        )
        return SpicevmcData(device=device).build()

    def restore(self, data: Buffer) -> None:
        state = SpicevmcData.parse(data)
        super().start()
        self._open_device()
        self._device.write(state.device.write_data)

    def disconnected(self) -> None:
        self._deadline.cancel()
        super().disconnected()
        self._device.close()

    def _open_device(self) -> None:
        self._device.open()
        if not self.connection.closed:  # by the embedder, when it was told that the device is used
            self._device.add_client(self)

    # Toward the viewer.

    @property
    def has_room(self) -> bool:
        """Whether the device is to be read; not for a viewer on its way to or from another server,
        which nothing can be sent to."""
        if self.arrival is not None or self.departure is not None:
            return False
        return len(self.pipe) < MOST_MESSAGES and self.pipe.bytes < self._most_queued

    def next_items(self) -> list[PipeItem]:
        self._device.read()  # pushes what there is
        return []

    def push_data(self, data: bytes) -> None:
        """Send what the device said."""
        channel = self.channel
        if self._compresses and len(data) > COMPRESS_FROM:
            block = lz4_block.compress(data)
            if len(block) < len(data):
                channel.out_uncompressed += len(data)
                channel.out_compressed += len(block)
                lz4 = MsgCompressedData(DataCompressionType.LZ4, None, len(data), block)
                self.push(PipeItem(self._compressed_data, lz4))
                return
        channel.out_data += len(data)
        self.push(PipeItem(self._data, MsgData(data)))

    # Toward the guest.

    def on_data(self, message: MsgData) -> None:
        self.channel.in_data += len(message.data)
        self._write(message.data)

    def on_compressed_data(self, message: MsgCompressedData) -> None:
        if message.type == DataCompressionType.NONE:
            self.channel.in_data += len(message.compressed_data)
            self._write(message.compressed_data)
            return
        data = _decompressed(message)
        self.channel.in_compressed += len(message.compressed_data)
        self.channel.in_decompressed += len(data)
        self._write(data)

    def device_took(self) -> None:
        """The guest has the whole of a message."""
        if self.blocked and not self._device.is_full(self):
            self.blocked = False
            self.wait_for_device()
            self.connection.resume()

    def _write(self, data: Buffer) -> None:
        self._device.spend(self)
        self._device.write(bytes(data), self)
        if not self.connection.closed and self._device.is_full(self):
            self.blocked = True
            self.wait_for_device()

    def wait_for_device(self) -> None:
        """Give the device time, from now on, if it is what this viewer waits for."""
        if self.blocked and self.channel.reds.vm_running:
            self._unwritten = self._device.queued
            self._device_timeout = self.channel.reds.limits.device_timeout
            self._deadline.start(self._device_timeout)
        else:
            self._deadline.cancel()

    def _overdue(self) -> None:
        if self._device.queued < self._unwritten:
            self.wait_for_device()
        else:
            self.connection.fail(f"the device took nothing in {self._device_timeout:g} s")

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        **RedChannelClient.HANDLERS,
        "data": on_data,
        "compressed_data": on_compressed_data,
    }


class SpicevmcChannel(RedChannel[SpicevmcChannelClient]):
    """A channel for one viewer at a time; what each kind of it adds is its `messages`."""

    max_message_size = MAX_MESSAGE_SIZE
    local_caps = Capabilities((SpicevmcCap.DATA_COMPRESS_LZ4,))
    allows_multiple = False
    migration_flags = TRANSFER
    client_class = SpicevmcChannelClient
    device_class: ClassVar[type[SpicevmcDevice]] = SpicevmcDevice

    def __init__(self, reds: RedsState, interface: CharDeviceInterface, id: int = 0) -> None:
        super().__init__(reds, id)
        self.interface = interface
        self.device = self.device_class(reds.core, interface, lambda: reds.limits)
        # Bytes of contents, over all viewers: those that went plain, and those that went compressed
        # with their size before and after.
        self.in_data = self.in_compressed = self.in_decompressed = 0
        self.out_data = self.out_compressed = self.out_uncompressed = 0

    def vm_changed(self) -> None:
        for channel_client in self.clients:
            channel_client.wait_for_device()


def _decompressed(message: MsgCompressedData) -> bytes:
    """Raises `ProtocolError`, and before anything is allocated for an impossible size."""
    size = message.uncompressed_size or 0
    if message.type != DataCompressionType.LZ4:
        raise ProtocolError(f"compressed_data of type {message.type}, which nobody knows")
    if size > MAX_MESSAGE_SIZE:
        raise ProtocolError(f"compressed_data of {size} bytes is over {MAX_MESSAGE_SIZE}")
    try:
        return lz4_block.decompress(message.compressed_data, size)
    except CodecError as error:
        raise ProtocolError(f"compressed_data: {error}") from error
