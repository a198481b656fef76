"""The cursor channel: what the pointer looks like and, in server mouse mode, where it is.

The embedder's interface remembers the cursor; a channel client only remembers which kind of message
would bring its viewer up to date, and makes that message when the viewer is ready for it. A viewer
that does not read so misses positions, never the last one.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from redspice.channel import RedChannel
from redspice.channel_client import RedChannelClient
from redspice.interfaces import CursorChange, CursorShape
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgEmpty
from redspice_protocol.cursor import MsgCursorInit, MsgCursorMove, MsgCursorSet
from redspice_protocol.enums import CursorFlags, CursorType, MouseMode
from redspice_protocol.structs import Cursor, CursorHeader, Point16

if TYPE_CHECKING:
    from redspice.interfaces import QxlInterface
    from redspice.reds import RedsState

CURSOR = CHANNELS["cursor"]
INIT = CURSOR.server.by_name["init"]
SET = CURSOR.server.by_name["set"]
MOVE = CURSOR.server.by_name["move"]
HIDE = CURSOR.server.by_name["hide"]

# The reference server's limit; viewers only acknowledge here.
MAX_MESSAGE_SIZE = 1024


class CursorChannelClient(RedChannelClient):
    """One viewer's pointer."""

    channel: CursorChannel
    due: CursorChange | None = None
    """The message that the viewer is still to get."""

    def start(self) -> None:
        super().start()
        self.push(self.channel.init_item())

    def cursor_changed(self, change: CursorChange) -> None:
        """Remember a change; SET tells everything, so nothing replaces it."""
        if self.due is not CursorChange.SET:
            self.due = change
        self.connection.on_output()

    def next_items(self) -> list[PipeItem]:
        due, self.due = self.due, None
        return [] if due is None else [self.channel.item(due)]


class CursorChannel(RedChannel[CursorChannelClient]):
    """The channel that shows the pointer of one screen."""

    messages = CURSOR
    handle_acks = True
    max_message_size = MAX_MESSAGE_SIZE
    client_class = CursorChannelClient

    def __init__(self, reds: RedsState, qxl: QxlInterface) -> None:
        super().__init__(reds, qxl.id)
        self.qxl = qxl
        self._unique = count(1)

    def registered(self) -> None:
        self.qxl.cursor_listeners.append(self.cursor_changed)

    def unregistered(self) -> None:
        self.qxl.cursor_listeners.remove(self.cursor_changed)

    def cursor_changed(self, change: CursorChange) -> None:
        """The embedder changed the cursor; in client mode viewers move it themselves."""
        if change is CursorChange.MOVE and self.reds.mouse_modes.current == MouseMode.CLIENT:
            return
        for channel_client in self.clients:
            channel_client.cursor_changed(change)

    def init_item(self) -> PipeItem:
        """The cursor for a viewer that knows nothing yet."""
        message = MsgCursorInit(
            position=self._position(),
            trail_length=0,
            trail_frequency=0,
            visible=int(self.qxl.cursor_visible),
            cursor=self._cursor(self.qxl.cursor),
        )
        return PipeItem(INIT, message)

    def item(self, change: CursorChange) -> PipeItem:
        """The message for a change, with the cursor as it is now."""
        if change is CursorChange.HIDE:
            return PipeItem(HIDE, MsgEmpty())
        if change is CursorChange.MOVE:
            return PipeItem(MOVE, MsgCursorMove(position=self._position()))
        message = MsgCursorSet(
            position=self._position(),
            visible=int(self.qxl.cursor_visible),
            cursor=self._cursor(self.qxl.cursor),
        )
        return PipeItem(SET, message)

    def _position(self) -> Point16:
        return Point16(x=self.qxl.cursor_x, y=self.qxl.cursor_y)

    def _cursor(self, shape: CursorShape | None) -> Cursor:
        if shape is None:
            return Cursor(flags=CursorFlags.NONE, header=None, data=b"")
        header = CursorHeader(
            unique=next(self._unique),
            type=CursorType.ALPHA,
            width=shape.width,
            height=shape.height,
            hot_spot_x=shape.hot_x,
            hot_spot_y=shape.hot_y,
        )
        return Cursor(flags=0, header=header, data=shape.pixels)
