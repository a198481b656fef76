"""What an embedder has registered besides its loop: screens, input devices, and so on.

KINDS is the table of them: which there may be one of, which can be removed again, and which
channels each becomes. An object may be of several kinds; it is registered as all of them or, when
one of them is impossible, not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from redspice import checks
from redspice.channels.cursor import CursorChannel
from redspice.channels.display import DisplayChannel
from redspice.errors import AlreadyRegisteredError, ConfigurationError, NotRegisteredError
from redspice.interfaces import (
    Interface,
    KeyboardInterface,
    MigrationInterface,
    MouseInterface,
    QxlInterface,
    TabletInterface,
    check_version,
)

if TYPE_CHECKING:
    from redspice.channel import AnyChannel
    from redspice.reds import RedsState


def no_channels(reds: RedsState, instance: Any) -> Sequence[AnyChannel]:
    """For what has no channel of its own."""
    return ()


def screen_channels(reds: RedsState, qxl: QxlInterface) -> Sequence[AnyChannel]:
    return DisplayChannel(reds, qxl), CursorChannel(reds, qxl)


def keyboard_channels(reds: RedsState, keyboard: KeyboardInterface) -> Sequence[AnyChannel]:
    """All share the inputs channel. Raises `ConfigurationError` for impossible lock lights."""
    checks.leds(keyboard.get_leds())
    return ()


class Kind(NamedTuple):
    """One kind of interface."""

    name: str
    interface: type[Interface]
    single: bool = False
    """Whether there may be only one."""
    removable: bool = True
    channels: Callable[[RedsState, Any], Sequence[AnyChannel]] = no_channels
    """Makes the channels that an instance becomes; they are not registered yet."""


KINDS = (
    Kind("qxl", QxlInterface, channels=screen_channels),
    Kind("keyboard", KeyboardInterface, True, False, keyboard_channels),
    Kind("mouse", MouseInterface, True, False),
    Kind("tablet", TabletInterface, True),
    Kind("migration", MigrationInterface, True, False),
)


def kinds_of(instance: object) -> list[Kind]:
    """Raises `ConfigurationError` for an object of no kind."""
    kinds = [kind for kind in KINDS if isinstance(instance, kind.interface)]
    if not kinds:
        raise ConfigurationError(f"{type(instance).__name__} is not an interface")
    return kinds


class Registered(NamedTuple):
    """An instance with all that it became."""

    instance: Interface
    kinds: Sequence[Kind]
    channels: Sequence[AnyChannel]


class Devices:
    """The registered interfaces, in their order."""

    def __init__(self, reds: RedsState) -> None:
        self.keyboard: KeyboardInterface | None = None
        self.mouse: MouseInterface | None = None
        self.tablet: TabletInterface | None = None
        self.migration: MigrationInterface | None = None
        self._reds = reds
        self._registered: list[Registered] = []

    def of(self, interface: type[Interface]) -> list[Interface]:
        """The registered instances of one interface."""
        return [each.instance for each in self._registered if isinstance(each.instance, interface)]

    def add(self, instance: Interface) -> None:
        """See `RedsState.add_interface`."""
        reds = self._reds
        kinds = kinds_of(instance)
        for kind in kinds:
            check_version(instance, kind.name)
            if kind.single and getattr(self, kind.name) is not None:
                raise AlreadyRegisteredError(f"there is a {kind.name} already")
        if any(each.instance is instance for each in self._registered):
            raise AlreadyRegisteredError(f"this {type(instance).__name__} is registered already")
        channels = [channel for kind in kinds for channel in kind.channels(reds, instance)]
        reds.channels.check_free(channels)
        for kind in kinds:
            if kind.single:
                setattr(self, kind.name, instance)
        self._registered.append(Registered(instance, kinds, channels))
        for channel in channels:
            reds.register_channel(channel)
        reds.screens_changed()

    def remove(self, instance: Interface) -> None:
        """See `RedsState.remove_interface`."""
        registered = next((each for each in self._registered if each.instance is instance), None)
        if registered is None:
            raise NotRegisteredError(f"this {type(instance).__name__} is not registered")
        for kind in registered.kinds:
            if not kind.removable:
                raise NotRegisteredError(f"a {kind.name} cannot be removed")
        self._registered.remove(registered)
        for kind in registered.kinds:
            if kind.single:
                setattr(self, kind.name, None)
        for channel in registered.channels:
            self._reds.unregister_channel(channel)
        self._reds.screens_changed()
