"""A screen: a framebuffer, its pointer and its monitors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

from redspice import checks
from redspice.checks import whole
from redspice.display.framebuffer import MAX_SIDE, Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces.base import Interface
from redspice.interfaces.cursor import CursorChange, CursorShape

if TYPE_CHECKING:
    from redspice.agent.bodies import MonitorsConfig

# Positions of a cursor travel as signed 16 bit numbers, its trail as unsigned ones.
CURSOR_POSITIONS = range(-0x8000, 0x8000)
CURSOR_TRAILS = range(0x10000)
# As many heads as one graphics card of the reference server may have.
MAX_MONITORS = 16
# With the NUL that ends it 256 bytes, as the reference server accepts.
MAX_DEVICE_ADDRESS = 255
# Channel ids travel as one byte.
CHANNEL_IDS = range(256)


@dataclass(frozen=True, slots=True)
class Monitor:
    """One head of a screen: the part of the framebuffer that a viewer shows in one window."""

    id: int
    x: int
    y: int
    width: int
    height: int

    def cut(self, width: int, height: int) -> Monitor:
        """What of it lies inside a framebuffer of this size, in which it begins."""
        return replace(
            self, width=min(self.width, width - self.x), height=min(self.height, height - self.y)
        )


class QxlInterface(Interface):
    """One screen: a framebuffer, its pointer and its monitors.

    Becomes a display and a cursor channel that both carry `id`. The interface remembers the
    cursor, so it may be set before the first viewer comes.
    """

    def __init__(self, framebuffer: Framebuffer, id: int = 0) -> None:
        (id,) = whole("qxl id", id)
        if id not in CHANNEL_IDS:
            raise ConfigurationError(f"qxl id {id} is not in 0..{CHANNEL_IDS.stop - 1}")
        self.framebuffer = framebuffer
        self.id = id
        self.cursor: CursorShape | None = None
        self.cursor_x = 0
        self.cursor_y = 0
        self.cursor_visible = False
        self.cursor_trail = 0, 0
        self.cursor_listeners: list[Callable[[CursorChange], None]] = []
        self.monitor_listeners: list[Callable[[], None]] = []
        self.device_info_listener: Callable[[], None] | None = None
        self.device_address = ""
        self.device_display_ids: tuple[int, ...] = ()
        self._monitors: tuple[Monitor, ...] = ()

    @property
    def follows_monitors_config(self) -> bool:
        """Whether `client_monitors_config` acts on what viewers would like: if it is overridden.

        While all screens do, the agent in the guest is not told. May be overridden, for a guest
        whose driver is not ready for it.
        """
        return type(self).client_monitors_config is not QxlInterface.client_monitors_config

    def client_monitors_config(self, config: MonitorsConfig) -> None:
        """A viewer would like these monitors, all that it has. For the embedder to override, if it
        can bring that about, here or later."""

    def set_device_info(self, address: str, display_ids: Sequence[int]) -> None:
        """Say which graphics device of the guest this is, and which of its outputs each monitor.

        The agent needs it to place several screens. An address is such as "pci/0000/02.0". Raises
        `ConfigurationError` for one that is longer than 255 bytes or has a NUL, for more than 16
        outputs, and for numbers that do not fit 32 bits.
        """
        if len(checks.text("device address", address)) > MAX_DEVICE_ADDRESS:
            raise ConfigurationError(f"device address longer than {MAX_DEVICE_ADDRESS} bytes")
        ids = checks.whole("display ids", *display_ids)
        if len(ids) > MAX_MONITORS or not all(0 <= id < 1 << 32 for id in ids):
            raise ConfigurationError(f"impossible display ids {ids}")
        self.device_address, self.device_display_ids = address, ids
        if self.device_info_listener is not None:
            self.device_info_listener()

    def set_cursor(
        self,
        shape: CursorShape,
        x: int | None = None,
        y: int | None = None,
        *,
        visible: bool = True,
    ) -> None:
        """Show `shape`, at `x`, `y` if given; where it was otherwise. Not `visible`, it waits to be
        moved. Viewers remember the shapes they were sent, so one that comes again costs little.
        """
        self._place(self.cursor_x if x is None else x, self.cursor_y if y is None else y)
        self.cursor = shape
        self.cursor_visible = visible
        self._cursor_changed(CursorChange.SET)

    def move_cursor(self, x: int, y: int) -> None:
        """Move the pointer; a hidden one is shown again, as the protocol's move does."""
        self._place(x, y)
        was_visible = self.cursor_visible
        self.cursor_visible = self.cursor is not None
        shown = self.cursor_visible and not was_visible
        # A viewer that owns the pointer ignores moves, so what is shown again is set again.
        self._cursor_changed(CursorChange.SET if shown else CursorChange.MOVE)

    def hide_cursor(self) -> None:
        """Hide the pointer until it is set or moved."""
        self.cursor_visible = False
        self._cursor_changed(CursorChange.HIDE)

    def set_cursor_trail(self, length: int, frequency: int) -> None:
        """Let `length` images follow the pointer; viewers of today do not. The protocol has no unit
        for `frequency`. Raises `ConfigurationError` for what does not fit 16 bits."""
        trail = whole("cursor trail", length, frequency)
        if not all(each in CURSOR_TRAILS for each in trail):
            raise ConfigurationError(f"cursor trail {length},{frequency} does not fit 16 bits")
        self.cursor_trail = trail[0], trail[1]
        self._cursor_changed(CursorChange.TRAIL)

    def reset_cursor(self) -> None:
        """Forget the cursor, here and in every viewer, with all shapes that viewers remember: for a
        guest that starts anew."""
        self.cursor = None
        self.cursor_visible = False
        self.cursor_x = self.cursor_y = 0
        self.cursor_trail = 0, 0
        self._cursor_changed(CursorChange.RESET)

    @property
    def monitors(self) -> tuple[Monitor, ...]:
        """The heads as viewers are told: those that were set, cut at the framebuffer's edges.

        Those that lie outside, perhaps since a resize, are left out until they fit again. If there
        is none, one that covers the framebuffer.
        """
        width, height = self.framebuffer.width, self.framebuffer.height
        inside = tuple(
            one.cut(width, height) for one in self._monitors if one.x < width and one.y < height
        )
        return inside or (Monitor(0, 0, 0, width, height),)

    @monitors.setter
    def monitors(self, monitors: Iterable[Monitor]) -> None:
        chosen = tuple(monitors)
        if len(chosen) > MAX_MONITORS:
            raise ConfigurationError(f"{len(chosen)} monitors, at most {MAX_MONITORS} are allowed")
        for monitor in chosen:
            whole("monitor", *astuple(monitor))
            if not all(0 <= n <= MAX_SIDE for n in (monitor.id, monitor.x, monitor.y)) or not all(
                0 < n <= MAX_SIDE for n in (monitor.width, monitor.height)
            ):
                raise ConfigurationError(f"impossible monitor {monitor}")
        self._monitors = chosen
        for listener in tuple(self.monitor_listeners):
            listener()

    def _cursor_changed(self, change: CursorChange) -> None:
        for listener in tuple(self.cursor_listeners):
            listener(change)

    def _place(self, x: int, y: int) -> None:
        x, y = whole("cursor position", x, y)
        if x not in CURSOR_POSITIONS or y not in CURSOR_POSITIONS:
            raise ConfigurationError(f"cursor position {x},{y} does not fit 16 bits")
        self.cursor_x, self.cursor_y = x, y
