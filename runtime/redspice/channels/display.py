"""The display channel: a framebuffer as the primary surface of a viewer.

    server                                             viewer
    SET_ACK                                       ──►
                                                  ◄──  INIT
    INVAL_ALL_PALETTES, SURFACE_CREATE,           ──►
    DRAW_COPY of everything, MONITORS_CONFIG, MARK
    DRAW_COPY of what is damaged                  ──►

Nothing but SET_ACK is queued ahead: surface, monitors and damage are marks on the channel client
that `next_items` turns into messages when the viewer is ready for them. So pixels are read as late
as possible, and a slow viewer gets fewer updates instead of old ones. Compressed pictures are
encoded in jobs, one at a time for each viewer, and what is due meanwhile waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from redspice.caps import Capabilities, DisplayCap
from redspice.channel import RedChannel
from redspice.channel_client import Handler, RedChannelClient
from redspice.display.compression import PREFERRED, Compression, EncodedImage, ImageEncoder
from redspice.display.drawing import (
    PRIMARY_SURFACE,
    copy_message,
    monitors_message,
    surface_message,
)
from redspice.display.framebuffer import Box
from redspice.display.sweep import Sweep, size
from redspice.errors import ProtocolError
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgEmpty
from redspice_protocol.display import (
    MsgcDisplayInit,
    MsgcDisplayPreferredCompression,
    MsgDisplaySurfaceDestroy,
)

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.interfaces import QxlInterface
    from redspice.link import Linked
    from redspice.reds import RedsState

logger = logging.getLogger("redspice")

DISPLAY = CHANNELS["display"]
MARK = DISPLAY.server.by_name["mark"]
INVAL_ALL_PALETTES = DISPLAY.server.by_name["inval_all_palettes"]
SURFACE_CREATE = DISPLAY.server.by_name["surface_create"]
SURFACE_DESTROY = DISPLAY.server.by_name["surface_destroy"]
DRAW_COPY = DISPLAY.server.by_name["draw_copy"]
MONITORS_CONFIG = DISPLAY.server.by_name["monitors_config"]

# Pixel bytes of one update: a round trip then carries at most two ack windows of this, and a full
# HD picture takes eight of the forty messages. Where the flow is by bytes an update may be shorter,
# but not so short that what a message costs besides its pixels would be felt.
BAND_BYTES = 1024 * 1024
MIN_BAND_BYTES = 16 * 1024
# The reference server's limit; no message of a viewer comes near.
MAX_MESSAGE_SIZE = 1024
# Image ids are 64 bits: the upper half says who made the id.
IMAGE_GROUP = 1 << 32


def _logging_failure(encode: Callable[[], list[EncodedImage]]) -> list[EncodedImage] | None:
    """What `encode` returns; None if it fails, for a job that raises would never be done."""
    try:
        return encode()
    except Exception:
        logger.exception("while encoding")
        return None


class DisplayChannelClient(RedChannelClient):
    """One viewer's picture of the framebuffer."""

    channel: DisplayChannel
    # Preferences and reports for video streams, which this channel does not use.
    IGNORED = frozenset({"stream_report", "preferred_video_codec_type"})

    def __init__(
        self, channel: DisplayChannel, client: RedClient, connection: Connection, linked: Linked
    ) -> None:
        super().__init__(channel, client, connection, linked)
        self.ready = False
        """Whether the viewer has said INIT."""
        self.has_surface = False
        self.surface_stale = True
        """Whether the viewer must get the surface anew, in its present size."""
        self.monitors_stale = False
        self.sweep = Sweep()
        """What is damaged, and what of it is being sent."""
        self.preferred_compression: Compression | None = None
        self.encoder = ImageEncoder(
            self._compression(), lz4=DisplayCap.LZ4_COMPRESSION in linked.channel_caps
        )
        self._encoding = False
        # Of what was encoded lately, as it was and as it became; at first nothing becomes smaller.
        self._pixel_bytes = self._image_bytes = BAND_BYTES
        self._init_timeout = channel.reds.limits.init_timeout
        self._deadline = channel.core.timer(self._init_timed_out)

    def start(self) -> None:
        super().start()
        self._deadline.start(self._init_timeout)

    def disconnected(self) -> None:
        self._deadline.cancel()
        if self.encoder.dictionary is not None:
            self.encoder.dictionary.close()  # The viewer's other displays may share it.
            # Viewers leave cycles behind, and megabytes must not wait for their collector.
            self.encoder = replace(self.encoder, dictionary=None)
        super().disconnected()

    def framebuffer_damaged(self, box: Box) -> None:
        """Pixels changed; a stale surface will have them anyway."""
        if not self.surface_stale:
            self.sweep.add(box)
            self.connection.on_output()

    def framebuffer_resized(self) -> None:
        """The surface the viewer has is no longer the right one."""
        self.surface_stale = True
        self.sweep.clear()
        self.connection.on_output()

    def monitors_changed(self) -> None:
        if DisplayCap.MONITORS_CONFIG in self.remote_caps:
            self.monitors_stale = True
            self.connection.on_output()

    def compression_changed(self) -> None:
        """From now on encode as the viewer or else the server wants it."""
        self.encoder = replace(self.encoder, compression=self._compression())

    def _compression(self) -> Compression:
        if self.connection.local:  # what stays on this machine is not worth the work
            return Compression.OFF
        return self.preferred_compression or self.channel.reds.image_compression

    def next_items(self) -> list[PipeItem]:
        if not self.ready or self._encoding:
            return []
        if self.surface_stale:
            return self._surface_items()
        if self.monitors_stale:
            return self._monitors_items()
        boxes = self.sweep.take(self._update_bytes())
        return self._draw(boxes) if boxes else []

    def on_init(self, message: MsgcDisplayInit) -> None:
        """Start to draw, with the GLZ dictionary that the viewer offers. Its caches stay unused."""
        if self.ready:
            raise ProtocolError("a second init on a display channel")
        self._deadline.cancel()
        self.ready = True
        dictionary = self.client.glz_dictionary(
            message.glz_dictionary_id, message.glz_dictionary_window_size
        )
        self.encoder = replace(self.encoder, dictionary=dictionary)
        self.push(PipeItem(INVAL_ALL_PALETTES, MsgEmpty()))

    def on_preferred_compression(self, message: MsgcDisplayPreferredCompression) -> None:
        """Follow the viewer's wish, unless it asks for something unknown."""
        preferred = PREFERRED.get(message.image_compression)
        if preferred is None:
            logger.debug("%s: unknown compression %d", self.name, message.image_compression)
            return
        self.preferred_compression = preferred
        self.compression_changed()

    def _update_bytes(self) -> int:
        """Pixel bytes of the next update; on a slow line it is short, for others to follow soon."""
        if self.flow is None:
            return BAND_BYTES
        fitting = self.flow.message_bytes * self._pixel_bytes // max(1, self._image_bytes)
        return max(MIN_BAND_BYTES, min(fitting, BAND_BYTES))

    def _note_ratio(self, boxes: Sequence[Box], images: Sequence[EncodedImage]) -> None:
        """Remember how small pictures become, older ones less and less."""
        self._pixel_bytes = self._pixel_bytes // 2 + sum(map(size, boxes))
        self._image_bytes = self._image_bytes // 2 + sum(len(image.data) for image in images)

    def _draw(
        self,
        boxes: Sequence[Box],
        before: Sequence[PipeItem] = (),
        after: Sequence[PipeItem] = (),
    ) -> list[PipeItem]:
        """The items that draw what `boxes` show now, between others.

        Where the pictures must be encoded first, the list is empty and the items enter the pipe
        later.
        """
        encoder = self.encoder
        pictures = [(self.channel.qxl.framebuffer.read(box), box) for box in boxes]

        def encode() -> list[EncodedImage]:
            return [encoder.encode(pixels, box.width, box.height) for pixels, box in pictures]

        def items(images: list[EncodedImage]) -> list[PipeItem]:
            self._note_ratio(boxes, images)
            return [*before, *map(self.channel.draw_item, boxes, images), *after]

        def encoded(images: list[EncodedImage] | None) -> None:
            self._encoding = False
            if images is None:
                self.connection.fail("a picture cannot be encoded")
                return
            self.refill(items(images))

        if encoder.compression is Compression.OFF:
            return items(encode())
        self._encoding = True
        self.channel.core.run_job(partial(_logging_failure, encode), encoded)
        return []

    def _surface_items(self) -> list[PipeItem]:
        """The whole surface. The pixels are read now, so all items are of one size."""
        framebuffer = self.channel.qxl.framebuffer
        before = []
        if self.has_surface:
            destroy = MsgDisplaySurfaceDestroy(surface_id=PRIMARY_SURFACE)
            before.append(PipeItem(SURFACE_DESTROY, destroy))
        create = surface_message(framebuffer.width, framebuffer.height)
        before.append(PipeItem(SURFACE_CREATE, create))
        after = [*self._monitors_items(), PipeItem(MARK, MsgEmpty())]
        self.has_surface = True
        self.surface_stale = False
        return self._draw([framebuffer.box], before, after)

    def _monitors_items(self) -> list[PipeItem]:
        self.monitors_stale = False
        if DisplayCap.MONITORS_CONFIG not in self.remote_caps:
            return []
        return [PipeItem(MONITORS_CONFIG, monitors_message(self.channel.qxl.monitors))]

    def _init_timed_out(self) -> None:
        self.connection.fail(f"no init on the display channel in {self._init_timeout:g} s")

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        **RedChannelClient.HANDLERS,
        "init": on_init,
        "preferred_compression": on_preferred_compression,
    }


class DisplayChannel(RedChannel[DisplayChannelClient]):
    """The channel that shows one framebuffer."""

    messages = DISPLAY
    handle_acks = True
    flow_by_bytes = True
    max_message_size = MAX_MESSAGE_SIZE
    local_caps = Capabilities((DisplayCap.MONITORS_CONFIG, DisplayCap.PREF_COMPRESSION))
    client_class = DisplayChannelClient

    def __init__(self, reds: RedsState, qxl: QxlInterface) -> None:
        super().__init__(reds, qxl.id)
        self.qxl = qxl
        self._image_numbers = count(1)

    def registered(self) -> None:
        self.qxl.framebuffer.add_listener(self)
        self.qxl.monitor_listeners.append(self.monitors_changed)

    def unregistered(self) -> None:
        self.qxl.framebuffer.remove_listener(self)
        self.qxl.monitor_listeners.remove(self.monitors_changed)

    def damaged(self, box: Box) -> None:
        for channel_client in self.clients:
            channel_client.framebuffer_damaged(box)

    def resized(self) -> None:
        for channel_client in self.clients:
            channel_client.framebuffer_resized()
        self.reds.screens_changed()

    def monitors_changed(self) -> None:
        for channel_client in self.clients:
            channel_client.monitors_changed()

    def compression_changed(self) -> None:
        for channel_client in self.clients:
            channel_client.compression_changed()

    def draw_item(self, box: Box, image: EncodedImage) -> PipeItem:
        """A message that puts a picture where `box` is."""
        image_id = IMAGE_GROUP | next(self._image_numbers)
        return PipeItem(DRAW_COPY, copy_message(box, image, image_id))
