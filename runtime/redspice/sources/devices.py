"""The demo's keyboard, mouse and tablet: they note what happened and say that it did."""

from __future__ import annotations

from collections.abc import Callable

from redspice.interfaces import KeyboardInterface, MouseInterface, TabletInterface
from redspice.sources.pointer import Pointer
from redspice.sources.typist import Typist

Changed = Callable[[], None]


class EchoKeyboard(KeyboardInterface):
    """Feeds a typist."""

    def __init__(self, typist: Typist, changed: Changed) -> None:
        self._typist = typist
        self._changed = changed

    def push_scan_freg(self, fragment: int) -> None:
        if self._typist.push(fragment) is not None:
            self._changed()

    def get_leds(self) -> int:
        return int(self._typist.leds)


class EchoMouse(MouseInterface):
    """Moves a pointer by steps."""

    def __init__(self, pointer: Pointer, changed: Changed) -> None:
        self._pointer = pointer
        self._changed = changed

    def motion(self, dx: int, dy: int, dz: int, buttons: int) -> None:
        self._pointer.move_by(dx, dy)
        self._pointer.turn(dz)
        self._pointer.buttons = buttons
        self._changed()

    def buttons(self, buttons: int) -> None:
        self._pointer.buttons = buttons
        self._changed()


class EchoTablet(TabletInterface):
    """Puts a pointer where the viewer's own is."""

    def __init__(self, pointer: Pointer, changed: Changed) -> None:
        self._pointer = pointer
        self._changed = changed

    def position(self, x: int, y: int, buttons: int) -> None:
        self._pointer.move_to(x, y)
        self._pointer.buttons = buttons
        self._changed()

    def wheel(self, dz: int, buttons: int) -> None:
        self._pointer.turn(dz)
        self._pointer.buttons = buttons
        self._changed()

    def buttons(self, buttons: int) -> None:
        self._pointer.buttons = buttons
        self._changed()
