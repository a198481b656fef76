"""The cursor channel: what the pointer looks like and, in server mouse mode, where it is.

The embedder's interface remembers the cursor; a channel client only remembers which kinds of
messages would bring its viewer up to date, and makes those when the viewer is ready for them. A
viewer that does not read so misses positions, never the last one.

A shape goes to a viewer once; shown again it goes by its name, as long as the viewer's cache has
it. But spice-html5 has none and would show nothing: it gets every shape in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from redspice.caps import CommonCap
from redspice.channel import RedChannel
from redspice.channel_client import RedChannelClient
from redspice.channels.cursor_cache import CursorCache
from redspice.interfaces import CursorChange
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgEmpty
from redspice_protocol.cursor import (
    MsgCursorInit,
    MsgCursorInvalOne,
    MsgCursorMove,
    MsgCursorSet,
    MsgCursorTrail,
)
from redspice_protocol.enums import CursorFlags, MouseMode
from redspice_protocol.structs import Cursor, CursorHeader, Point16

if TYPE_CHECKING:
    from redspice.caps import Capabilities
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.interfaces import QxlInterface
    from redspice.link import Linked
    from redspice.reds import RedsState

CURSOR = CHANNELS["cursor"]
INIT = CURSOR.server.by_name["init"]
RESET = CURSOR.server.by_name["reset"]
SET = CURSOR.server.by_name["set"]
MOVE = CURSOR.server.by_name["move"]
HIDE = CURSOR.server.by_name["hide"]
TRAIL = CURSOR.server.by_name["trail"]
INVAL_ONE = CURSOR.server.by_name["inval_one"]
INVAL_ALL = CURSOR.server.by_name["inval_all"]

# The reference server's limit; viewers only acknowledge here.
MAX_MESSAGE_SIZE = 1024

MECHANISMS = (CommonCap.AUTH_SPICE, CommonCap.AUTH_SASL)
NO_TRAIL = (0, 0)
NO_CURSOR = Cursor(CursorFlags.NONE, None, b"")

# What need not be told any more after a change.
OVERTAKEN: Mapping[CursorChange, frozenset[CursorChange]] = {
    CursorChange.SET: frozenset((CursorChange.MOVE, CursorChange.HIDE)),
    CursorChange.MOVE: frozenset((CursorChange.HIDE,)),
    CursorChange.HIDE: frozenset((CursorChange.MOVE,)),
    CursorChange.TRAIL: frozenset(),
    CursorChange.RESET: frozenset(CursorChange),
}
# Changes whose messages tell so much that what they overtake is told with them even if it comes
# while they wait.
COMPREHENSIVE = (CursorChange.SET, CursorChange.RESET)


def remembers(common_caps: Capabilities) -> bool:
    """Whether a viewer has a cache of cursors.

    What tells spice-html5 from those that have: it selects among ways to prove who it is, and names
    none.
    """
    selects = CommonCap.AUTH_SELECTION in common_caps
    return not selects or any(each in common_caps for each in MECHANISMS)


class CursorChannelClient(RedChannelClient):
    """One viewer's pointer."""

    channel: CursorChannel

    def __init__(
        self, channel: CursorChannel, client: RedClient, connection: Connection, linked: Linked
    ) -> None:
        super().__init__(channel, client, connection, linked)
        self.cache = CursorCache()
        self._caches = remembers(linked.common_caps)
        self._changes: dict[CursorChange, None] = {}

    def start(self) -> None:
        super().start()
        self.push(self._init())

    def resume(self) -> None:
        super().start()
        self.push(PipeItem(INVAL_ALL, MsgEmpty()))  # the viewer's cache has another server's shapes
        if self.channel.qxl.cursor_trail != NO_TRAIL:  # which viewers complain of
            self.cursor_changed(CursorChange.TRAIL)
        self.cursor_changed(CursorChange.SET)

    def cursor_changed(self, change: CursorChange) -> None:
        """Remember that the viewer is to hear of a change."""
        waiting = self._changes
        if not any(each in waiting and change in OVERTAKEN[each] for each in COMPREHENSIVE):
            for overtaken in OVERTAKEN[change]:
                waiting.pop(overtaken, None)
            waiting[change] = None
        self.connection.on_output()

    def next_items(self) -> list[PipeItem]:
        changes, self._changes = self._changes, {}
        return [item for change in changes for item in self.ITEMS[change](self)]

    # The messages for each change, with the cursor as it is now.

    def _init(self) -> PipeItem:
        qxl = self.channel.qxl
        cursor, _ = self._cursor()
        message = MsgCursorInit(
            self._position(), *qxl.cursor_trail, visible=int(qxl.cursor_visible), cursor=cursor
        )
        return PipeItem(INIT, message)

    def _set(self) -> list[PipeItem]:
        cursor, dropped = self._cursor()
        message = MsgCursorSet(self._position(), int(self.channel.qxl.cursor_visible), cursor)
        # spice-gtk shows any shape that is set, and hides it when told so in words.
        hide = [] if self.channel.qxl.cursor_visible else self._hide()
        drop = [PipeItem(INVAL_ONE, MsgCursorInvalOne(unique)) for unique in dropped]
        return [PipeItem(SET, message), *hide, *drop]

    def _move(self) -> list[PipeItem]:
        return [PipeItem(MOVE, MsgCursorMove(self._position()))]

    def _hide(self) -> list[PipeItem]:
        return [PipeItem(HIDE, MsgEmpty())]

    def _trail(self) -> list[PipeItem]:
        return [PipeItem(TRAIL, MsgCursorTrail(*self.channel.qxl.cursor_trail))]

    def _reset(self) -> list[PipeItem]:
        self.cache.clear()
        # Viewers take no cursor after RESET until they have a new beginning.
        return [PipeItem(INVAL_ALL, MsgEmpty()), PipeItem(RESET, MsgEmpty()), self._init()]

    ITEMS: ClassVar[Mapping[CursorChange, Callable[[CursorChannelClient], list[PipeItem]]]] = {
        CursorChange.SET: _set,
        CursorChange.MOVE: _move,
        CursorChange.HIDE: _hide,
        CursorChange.TRAIL: _trail,
        CursorChange.RESET: _reset,
    }

    def _position(self) -> Point16:
        return Point16(x=self.channel.qxl.cursor_x, y=self.channel.qxl.cursor_y)

    def _cursor(self) -> tuple[Cursor, list[int]]:
        """The shape for this viewer, and which others it has to drop."""
        shape = self.channel.qxl.cursor
        if shape is None:
            return NO_CURSOR, []
        header = CursorHeader(
            unique=shape.unique if self._caches else 0,
            type=shape.type,
            width=shape.width,
            height=shape.height,
            hot_spot_x=shape.hot_x,
            hot_spot_y=shape.hot_y,
        )
        if not self._caches:
            return Cursor(0, header, shape.pixels), []
        known = shape.unique in self.cache
        dropped = self.cache.use(shape.unique, len(shape.pixels))
        if known:
            return Cursor(CursorFlags.FROM_CACHE, header, b""), dropped
        return Cursor(CursorFlags.CACHE_ME, header, shape.pixels), dropped


class CursorChannel(RedChannel[CursorChannelClient]):
    """The channel that shows the pointer of one screen."""

    messages = CURSOR
    handle_acks = True
    max_message_size = MAX_MESSAGE_SIZE
    client_class = CursorChannelClient

    def __init__(self, reds: RedsState, qxl: QxlInterface) -> None:
        super().__init__(reds, qxl.id)
        self.qxl = qxl

    def registered(self) -> None:
        self.qxl.cursor_listeners.append(self.cursor_changed)
        self.reds.mouse_modes.listeners.append(self.mouse_mode_changed)

    def unregistered(self) -> None:
        self.qxl.cursor_listeners.remove(self.cursor_changed)
        self.reds.mouse_modes.listeners.remove(self.mouse_mode_changed)

    def cursor_changed(self, change: CursorChange) -> None:
        """The embedder changed the cursor; in client mode viewers move it themselves."""
        if change is CursorChange.MOVE and self.reds.mouse_modes.current == MouseMode.CLIENT:
            return
        for channel_client in self.clients:
            channel_client.cursor_changed(change)

    def mouse_mode_changed(self) -> None:
        """The cursor may have moved while viewers did that themselves."""
        if self.qxl.cursor_visible:
            self.cursor_changed(CursorChange.MOVE)
