"""A screen: a framebuffer, its pointer and its monitors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, replace
from enum import Enum, auto

from redspice.checks import flat_bytes, whole
from redspice.display.framebuffer import MAX_SIDE, Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces.base import Interface

# A cursor of this side is already larger than any desktop draws; its size fields are 16 bits wide.
MAX_CURSOR_SIDE = 1024
# Positions of a cursor travel as signed 16 bit numbers.
CURSOR_POSITIONS = range(-0x8000, 0x8000)
# As many heads as one graphics card of the reference server may have.
MAX_MONITORS = 16
# Channel ids travel as one byte.
CHANNEL_IDS = range(256)


@dataclass(frozen=True, slots=True, repr=False)
class CursorShape:
    """A pointer image: `pixels` are `width * height` times B, G, R, A with alpha premultiplied.

    Raises `ConfigurationError` for a side out of 1..1024, a hot spot outside, or too few pixels.
    """

    width: int
    height: int
    hot_x: int
    hot_y: int
    pixels: bytes

    def __post_init__(self) -> None:
        whole("cursor size and hot spot", self.width, self.height, self.hot_x, self.hot_y)
        if not (0 < self.width <= MAX_CURSOR_SIDE and 0 < self.height <= MAX_CURSOR_SIDE):
            raise ConfigurationError(
                f"cursor of {self.width}x{self.height}: sides are 1..{MAX_CURSOR_SIDE}"
            )
        if not (0 <= self.hot_x < self.width and 0 <= self.hot_y < self.height):
            raise ConfigurationError(
                f"hot spot {self.hot_x},{self.hot_y} is outside {self.width}x{self.height}"
            )
        wanted = self.width * self.height * 4
        pixels = flat_bytes("cursor", self.pixels)
        if len(pixels) != wanted:
            raise ConfigurationError(f"cursor needs {wanted} pixel bytes, got {len(pixels)}")
        object.__setattr__(self, "pixels", bytes(pixels))

    def __repr__(self) -> str:
        return f"CursorShape({self.width}x{self.height} hot {self.hot_x},{self.hot_y})"


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


class CursorChange(Enum):
    """What an embedder did to the cursor."""

    SET = auto()
    MOVE = auto()
    HIDE = auto()


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
        self.cursor_listeners: list[Callable[[CursorChange], None]] = []
        self.monitor_listeners: list[Callable[[], None]] = []
        self._monitors: tuple[Monitor, ...] = ()

    def set_cursor(self, shape: CursorShape, x: int | None = None, y: int | None = None) -> None:
        """Show `shape`, at `x`, `y` if given; where it was otherwise."""
        self._place(self.cursor_x if x is None else x, self.cursor_y if y is None else y)
        self.cursor = shape
        self.cursor_visible = True
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
