"""The display channel: a framebuffer as the primary surface of a viewer.

    server                                             viewer
    SET_ACK                                       ──►
                                                  ◄──  INIT
    INVAL_ALL_PALETTES, SURFACE_CREATE,           ──►
    DRAW_COPY of everything, MONITORS_CONFIG, MARK
    DRAW_COPY of what is damaged                  ──►

Nothing but SET_ACK is queued ahead: surface, monitors and damage are marks on the channel client
that `next_items` turns into messages when the viewer is ready for them. So pixels are read as late
as possible, and a slow viewer gets fewer updates instead of old ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from redspice.caps import Capabilities, DisplayCap
from redspice.channel import RedChannel
from redspice.channel_client import Handler, RedChannelClient
from redspice.display.damage import Damage
from redspice.display.drawing import (
    PRIMARY_SURFACE,
    copy_message,
    monitors_message,
    surface_message,
)
from redspice.display.framebuffer import BYTES_PER_PIXEL, Box
from redspice.errors import ProtocolError
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgEmpty
from redspice_protocol.display import MsgcDisplayInit, MsgDisplaySurfaceDestroy

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.interfaces import QxlInterface
    from redspice.link import Linked
    from redspice.reds import RedsState

DISPLAY = CHANNELS["display"]
MARK = DISPLAY.server.by_name["mark"]
INVAL_ALL_PALETTES = DISPLAY.server.by_name["inval_all_palettes"]
SURFACE_CREATE = DISPLAY.server.by_name["surface_create"]
SURFACE_DESTROY = DISPLAY.server.by_name["surface_destroy"]
DRAW_COPY = DISPLAY.server.by_name["draw_copy"]
MONITORS_CONFIG = DISPLAY.server.by_name["monitors_config"]

# Seconds for a viewer to say INIT after the link stage, as long as the reference server waits.
INIT_TIMEOUT = 30.0
# Pixel bytes of one update: a round trip then carries at most two ack windows of this, and a full
# HD picture takes eight of the forty messages.
BAND_BYTES = 1024 * 1024
# The reference server's limit; no message of a viewer comes near.
MAX_MESSAGE_SIZE = 1024
# Image ids are 64 bits: the upper half says who made the id.
IMAGE_GROUP = 1 << 32


def bands(box: Box) -> Iterator[Box]:
    """Cut a box from the top down into pieces of whole rows, none over `BAND_BYTES` if it can."""
    rows = max(1, BAND_BYTES // (box.width * BYTES_PER_PIXEL))
    for top in range(box.top, box.bottom, rows):
        yield Box(box.left, top, box.right, min(top + rows, box.bottom))


class DisplayChannelClient(RedChannelClient):
    """One viewer's picture of the framebuffer."""

    channel: DisplayChannel
    # Preferences and reports for compression and video streams, which this channel does not use.
    IGNORED = frozenset({"stream_report", "preferred_compression", "preferred_video_codec_type"})

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
        self.damage = Damage()
        self.bands: deque[Box] = deque()
        """The part of the damage that is being sent: one message each."""
        self._deadline = channel.core.timer(self._init_timed_out)

    def start(self) -> None:
        super().start()
        self._deadline.start(INIT_TIMEOUT)

    def disconnected(self) -> None:
        self._deadline.cancel()
        super().disconnected()

    def framebuffer_damaged(self, box: Box) -> None:
        """Pixels changed; a stale surface will have them anyway."""
        if not self.surface_stale:
            self.damage.add(box)
            self.connection.on_output()

    def framebuffer_resized(self) -> None:
        """The surface the viewer has is no longer the right one."""
        self.surface_stale = True
        self.damage.take()
        self.bands.clear()
        self.connection.on_output()

    def monitors_changed(self) -> None:
        if DisplayCap.MONITORS_CONFIG in self.remote_caps:
            self.monitors_stale = True
            self.connection.on_output()

    def next_items(self) -> list[PipeItem]:
        if not self.ready:
            return []
        if self.surface_stale:
            return self._surface_items()
        if self.monitors_stale:
            return self._monitors_items()
        if not self.bands:
            for box in self.damage.take():
                self.bands.extend(bands(box))
        return [self.channel.draw_item(self.bands.popleft())] if self.bands else []

    def on_init(self, message: MsgcDisplayInit) -> None:
        """The caches that the viewer offers stay unused."""
        if self.ready:
            raise ProtocolError("a second init on a display channel")
        self._deadline.cancel()
        self.ready = True
        self.push(PipeItem(INVAL_ALL_PALETTES, MsgEmpty()))

    def _surface_items(self) -> list[PipeItem]:
        """The whole surface. The pixels are read now, so all items are of one size."""
        framebuffer = self.channel.qxl.framebuffer
        items = []
        if self.has_surface:
            destroy = MsgDisplaySurfaceDestroy(surface_id=PRIMARY_SURFACE)
            items.append(PipeItem(SURFACE_DESTROY, destroy))
        create = surface_message(framebuffer.width, framebuffer.height)
        items.append(PipeItem(SURFACE_CREATE, create))
        items.append(self.channel.draw_item(framebuffer.box))
        items += self._monitors_items()
        items.append(PipeItem(MARK, MsgEmpty()))
        self.has_surface = True
        self.surface_stale = False
        return items

    def _monitors_items(self) -> list[PipeItem]:
        self.monitors_stale = False
        if DisplayCap.MONITORS_CONFIG not in self.remote_caps:
            return []
        return [PipeItem(MONITORS_CONFIG, monitors_message(self.channel.qxl.monitors))]

    def _init_timed_out(self) -> None:
        self.connection.fail(f"no init on the display channel in {INIT_TIMEOUT:g} s")

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        **RedChannelClient.HANDLERS,
        "init": on_init,
    }


class DisplayChannel(RedChannel[DisplayChannelClient]):
    """The channel that shows one framebuffer."""

    messages = DISPLAY
    handle_acks = True
    max_message_size = MAX_MESSAGE_SIZE
    local_caps = Capabilities((DisplayCap.MONITORS_CONFIG,))
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

    def draw_item(self, box: Box) -> PipeItem:
        """A message with the pixels that `box` has now."""
        image_id = IMAGE_GROUP | next(self._image_numbers)
        pixels = self.qxl.framebuffer.read(box)
        return PipeItem(DRAW_COPY, copy_message(box, pixels, image_id))
