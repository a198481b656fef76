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

Viewers share what they can: the log of damage, so those that are equally far behind ask for the
same boxes; pictures, so what several ask for is encoded once; and the messages that draw them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from redspice.caps import Capabilities, DisplayCap
from redspice.channel import TRANSFER, RedChannel
from redspice.channel_client import Handler, RedChannelClient
from redspice.display.compression import PREFERRED, Compression, EncodedImage, ImageEncoder
from redspice.display.damage_log import DamageLog
from redspice.display.drawing import (
    PRIMARY_SURFACE,
    copy_message,
    monitors_message,
    surface_message,
)
from redspice.display.framebuffer import Box
from redspice.display.pictures import Picture, Pictures, when_encoded
from redspice.display.sweep import Sweep, size
from redspice.errors import ProtocolError
from redspice.migration.data import DisplayData
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgEmpty
from redspice_protocol.display import (
    MsgcDisplayInit,
    MsgcDisplayPreferredCompression,
    MsgDisplayInvalAllPixmaps,
    MsgDisplaySurfaceDestroy,
)

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.interfaces import QxlInterface
    from redspice.link import Linked
    from redspice.reds import RedsState
    from redspice_protocol import Buffer

logger = logging.getLogger("redspice")

DISPLAY = CHANNELS["display"]
MARK = DISPLAY.server.by_name["mark"]
INVAL_ALL_PIXMAPS = DISPLAY.server.by_name["inval_all_pixmaps"]
INVAL_ALL_PALETTES = DISPLAY.server.by_name["inval_all_palettes"]
SURFACE_CREATE = DISPLAY.server.by_name["surface_create"]
SURFACE_DESTROY = DISPLAY.server.by_name["surface_destroy"]
STREAM_DESTROY_ALL = DISPLAY.server.by_name["stream_destroy_all"]
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
        self._surface_kept = False
        """Whether the viewer has brought that surface along, and it is only to be drawn anew."""
        self.monitors_stale = False
        self.sweep = Sweep(channel.damage)
        """What is damaged, and what of it is being sent."""
        self.preferred_compression: Compression | None = None
        self.encoder = ImageEncoder(
            self._compression(), lz4=DisplayCap.LZ4_COMPRESSION in linked.channel_caps
        )
        self._shared_encoder = self.encoder.shared()
        self.encoding = False
        """Whether a picture is being encoded."""
        self._hurried = False
        """Whether what was taken last was urgent, and nothing else."""
        # Of what was encoded lately, as it was and as it became; at first nothing becomes smaller.
        self._pixel_bytes = self._image_bytes = BAND_BYTES
        self._offer = MsgcDisplayInit(0, 0, 0, 0)
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

    @property
    def busy(self) -> bool:
        """Ids of GLZ images have no gaps, so all that are made must be sent, on every display."""
        return any(each.encoding for each in self._displays())

    def save(self) -> bytes:
        offer, dictionary = self._offer, self.encoder.dictionary
        data = DisplayData(
            message_serial=self.serial + 1,
            pixmap_cache_id=offer.pixmap_cache_id,
            pixmap_cache_size=offer.pixmap_cache_size,
            pixmap_cache_freezer=self is self._displays()[0],
            glz_dict_id=offer.glz_dictionary_id,
            surfaces=(PRIMARY_SURFACE,) if self.has_surface else (),
        )
        if dictionary is not None:
            data.glz_window = dictionary.window_pixels
            data.glz_next_id = dictionary.next_id
        return data.build()

    def restore(self, data: Buffer) -> None:
        """Go on drawing on the surface that the viewer has, which is as large as the one here.

        All of it is drawn anew, and what the viewer has cached of the other server is dropped.
        """
        state = DisplayData.parse(data)
        self._offer = MsgcDisplayInit(
            state.pixmap_cache_id, state.pixmap_cache_size, state.glz_dict_id, state.glz_window
        )
        super().start()
        self.serial = state.message_serial
        self.push(PipeItem(INVAL_ALL_PIXMAPS, MsgDisplayInvalAllPixmaps([])))
        self._begin(state.glz_next_id)
        self.push(PipeItem(STREAM_DESTROY_ALL, MsgEmpty()))
        self.has_surface = self._surface_kept = PRIMARY_SURFACE in state.surfaces
        others = (id for id in state.surfaces if id != PRIMARY_SURFACE)
        self.refill(PipeItem(SURFACE_DESTROY, MsgDisplaySurfaceDestroy(id)) for id in others)

    def framebuffer_damaged(self) -> None:
        """Pixels changed; a stale surface will have them anyway."""
        if not self.surface_stale:
            self.connection.on_output()

    def framebuffer_resized(self) -> None:
        """The surface the viewer has is no longer the right one."""
        self.surface_stale = True
        self._surface_kept = False
        self.connection.on_output()

    def monitors_changed(self) -> None:
        if DisplayCap.MONITORS_CONFIG in self.remote_caps:
            self.monitors_stale = True
            self.connection.on_output()

    def compression_changed(self) -> None:
        """From now on encode as the viewer or else the server wants it."""
        self.encoder = replace(self.encoder, compression=self._compression())
        self._shared_encoder = self.encoder.shared()

    def _compression(self) -> Compression:
        if self.connection.local:  # what stays on this machine is not worth the work
            return Compression.OFF
        return self.preferred_compression or self.channel.reds.image_compression

    def next_items(self) -> list[PipeItem]:
        self._hurried = False
        if not self.ready or self.encoding:
            return []
        if self.surface_stale:
            return self._surface_items()
        if self.monitors_stale:
            return self._monitors_items()
        return self._draw_boxes(self.sweep.take(self._update_bytes(), self.channel.core.now()))

    def has_urgent(self) -> bool:
        if self._hurried:
            return True
        self.sweep.hear(self.channel.core.now())
        return self.sweep.has_fresh

    def urgent_items(self) -> list[PipeItem]:
        if not self.ready or self.encoding or self.surface_stale or self.monitors_stale:
            return []
        if not self.has_urgent():
            return []
        self._hurried = True
        return self._draw_boxes(self.sweep.take_fresh(self._update_bytes()))

    def _draw_boxes(self, boxes: Sequence[Box]) -> list[PipeItem]:
        return self._draw(self.channel.pictures.of(boxes, self._best_encoder())) if boxes else []

    def on_init(self, message: MsgcDisplayInit) -> None:
        """Start to draw, with the GLZ dictionary that the viewer offers. Its caches stay unused."""
        if self.ready:
            raise ProtocolError("a second init on a display channel")
        self._deadline.cancel()
        self._offer = message
        self._begin()

    def _begin(self, glz_next_id: int = 0) -> None:
        self.ready = True
        dictionary = self.client.glz_dictionary(
            self._offer.glz_dictionary_id, self._offer.glz_dictionary_window_size, glz_next_id
        )
        self.encoder = replace(self.encoder, dictionary=dictionary)
        self.push(PipeItem(INVAL_ALL_PALETTES, MsgEmpty()))

    def _displays(self) -> list[DisplayChannelClient]:
        """What the viewer has open of all screens."""
        opened = self.client.channel_clients.values()
        return [each for each in opened if isinstance(each, DisplayChannelClient)]

    def on_preferred_compression(self, message: MsgcDisplayPreferredCompression) -> None:
        """Follow the viewer's wish, unless it asks for something unknown."""
        preferred = PREFERRED.get(message.image_compression)
        if preferred is None:
            logger.debug("%s: unknown compression %d", self.name, message.image_compression)
            return
        self.preferred_compression = preferred
        self.compression_changed()

    def _update_bytes(self) -> int:
        """Pixel bytes of the next update; on a slow line it is short, for others to follow soon.

        It is a power of two, so that viewers on similar lines ask for the same pieces.
        """
        if self.flow is None:
            return BAND_BYTES
        fitting = self.flow.message_bytes * self._pixel_bytes // max(1, self._image_bytes)
        return 1 << max(MIN_BAND_BYTES, min(fitting, BAND_BYTES)).bit_length() - 1

    def _note_ratio(self, pictures: Sequence[Picture]) -> None:
        """Remember how small pictures become, older ones less and less."""
        self._pixel_bytes = self._pixel_bytes // 2 + sum(one.pixel_bytes for one in pictures)
        self._image_bytes = self._image_bytes // 2 + sum(one.image_bytes for one in pictures)

    def _best_encoder(self) -> ImageEncoder:
        """GLZ refers to pictures that this viewer got, so it cannot be shared: not in a crowd."""
        most = self.channel.reds.limits.max_glz_viewers
        if self.encoder.uses_dictionary and self.channel.clients_num <= most:
            return self.encoder
        return self._shared_encoder

    def _draw(
        self,
        pictures: Sequence[Picture],
        before: Sequence[PipeItem] = (),
        after: Sequence[PipeItem] = (),
    ) -> list[PipeItem]:
        """The items that draw these pictures, between others.

        Where the pictures must be encoded first, the list is empty and the items enter the pipe
        later.
        """

        def items() -> list[PipeItem]:
            self.encoding = False
            if self.departure is not None:
                for each in self._displays():
                    each.connection.on_output()  # they may have waited for this
            drawn = [one.item for one in pictures if one.item is not None]
            if len(drawn) < len(pictures):
                self.connection.fail("a picture cannot be encoded")
                return []
            self._note_ratio(pictures)
            return [*before, *drawn, *after]

        self.encoding = True
        if when_encoded(pictures, lambda: self.refill(items())):
            return items()
        return []

    def _surface_items(self) -> list[PipeItem]:
        """The whole surface. The pixels are read now, so all items are of one size."""
        before = [] if self._surface_kept else self._new_surface()
        after = [*self._monitors_items(), PipeItem(MARK, MsgEmpty())]
        self.has_surface = True
        self.surface_stale = self._surface_kept = False
        self.sweep.clear()
        return self._draw(self.channel.pictures.of_everything(self._best_encoder()), before, after)

    def _new_surface(self) -> list[PipeItem]:
        framebuffer = self.channel.qxl.framebuffer
        before = []
        if self.has_surface:
            destroy = MsgDisplaySurfaceDestroy(surface_id=PRIMARY_SURFACE)
            before.append(PipeItem(SURFACE_DESTROY, destroy))
        create = surface_message(framebuffer.width, framebuffer.height)
        before.append(PipeItem(SURFACE_CREATE, create))
        return before

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
    migration_flags = TRANSFER
    client_class = DisplayChannelClient

    def __init__(self, reds: RedsState, qxl: QxlInterface) -> None:
        super().__init__(reds, qxl.id)
        self.qxl = qxl
        self.damage = DamageLog()
        self.pictures = Pictures(
            reds.core, qxl.framebuffer, self.damage, lambda *shown: self.draw_item(*shown)
        )
        self._image_numbers = count(1)

    def disconnect(self, channel_client: DisplayChannelClient) -> None:
        super().disconnect(channel_client)
        if not self.clients:
            self.pictures.clear()

    def registered(self) -> None:
        self.qxl.framebuffer.add_listener(self)
        self.qxl.monitor_listeners.append(self.monitors_changed)

    def unregistered(self) -> None:
        self.qxl.framebuffer.remove_listener(self)
        self.qxl.monitor_listeners.remove(self.monitors_changed)

    def damaged(self, box: Box) -> None:
        # Who was told, and has not asked for the damage since, need not be told again.
        tell = self.damage.quiet
        self.damage.add(box)
        if tell:
            for channel_client in self.clients:
                channel_client.framebuffer_damaged()

    def resized(self) -> None:
        self.damage.clear()
        self.pictures.clear()
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
        name = image.type.name.lower()
        self.encodings.add(name, image.seconds, size(box), len(image.data))
        return PipeItem(DRAW_COPY, copy_message(box, image, image_id))
