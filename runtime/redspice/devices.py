"""What an embedder has registered besides its loop: screens, input devices, and so on.

KINDS is the table of them: which there may be one of, which can be removed again, and which
channels each becomes. An object may be of several kinds; it is registered as all of them or, when
one of them is impossible, not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from redspice import checks
from redspice.channels.cursor import CursorChannel
from redspice.channels.display import DisplayChannel
from redspice.channels.playback import PLAYBACK, PlaybackChannel
from redspice.channels.port import PORT, PortChannel
from redspice.channels.record import RECORD, RecordChannel
from redspice.channels.smartcard import SmartcardChannel
from redspice.channels.tunnel import TUNNEL, TunnelChannel
from redspice.channels.usbredir import USBREDIR, UsbredirChannel
from redspice.channels.webdav import PORT_NAME, WEBDAV, WebdavChannel
from redspice.errors import AlreadyRegisteredError, ConfigurationError, NotRegisteredError
from redspice.interfaces import (
    CharDeviceInterface,
    Interface,
    KeyboardInterface,
    MigrationInterface,
    MouseInterface,
    NetWireInterface,
    PlaybackInterface,
    QxlInterface,
    RecordInterface,
    TabletInterface,
    check_version,
)
from redspice.interfaces import char_device as subtypes

if TYPE_CHECKING:
    from redspice.channel import AnyChannel
    from redspice.reds import RedsState


def no_channels(reds: RedsState, instance: Any) -> Sequence[AnyChannel]:
    """For what has no channel of its own."""
    return ()


def nothing(reds: RedsState, instance: Any) -> None:
    """For what nobody needs to hear of."""


def screen_channels(reds: RedsState, qxl: QxlInterface) -> Sequence[AnyChannel]:
    return DisplayChannel(reds, qxl), CursorChannel(reds, qxl)


def keyboard_channels(reds: RedsState, keyboard: KeyboardInterface) -> Sequence[AnyChannel]:
    """All share the inputs channel. Raises `ConfigurationError` for impossible lock lights."""
    checks.leds(keyboard.get_leds())
    return ()


def playback_channels(reds: RedsState, playback: PlaybackInterface) -> Sequence[AnyChannel]:
    return (PlaybackChannel(reds, reds.channels.first_free_id(PLAYBACK.id)),)


def record_channels(reds: RedsState, record: RecordInterface) -> Sequence[AnyChannel]:
    return (RecordChannel(reds, reds.channels.first_free_id(RECORD.id)),)


def tunnel_channels(reds: RedsState, wire: NetWireInterface) -> Sequence[AnyChannel]:
    return (TunnelChannel(reds, reds.channels.first_free_id(TUNNEL.id)),)


def agent_channels(reds: RedsState, device: CharDeviceInterface) -> Sequence[AnyChannel]:
    """The agent shares the main channel. Raises `AlreadyRegisteredError` for a second one."""
    reds.agent.check_free()
    return ()


def smartcard_channels(reds: RedsState, device: CharDeviceInterface) -> Sequence[AnyChannel]:
    """There is one reader, so a second one is refused when its channel is."""
    return (SmartcardChannel(reds),)


def usbredir_channels(reds: RedsState, device: CharDeviceInterface) -> Sequence[AnyChannel]:
    return (UsbredirChannel(reds, device, reds.channels.first_free_id(USBREDIR.id)),)


def port_channels(reds: RedsState, device: CharDeviceInterface) -> Sequence[AnyChannel]:
    """Viewers know some ports by their names, and have a channel type of its own for one."""
    if device.portname == PORT_NAME:
        return (WebdavChannel(reds, device, reds.channels.first_free_id(WEBDAV.id)),)
    return (PortChannel(reds, device, reds.channels.first_free_id(PORT.id)),)


SUBTYPES: Mapping[str, Callable[[RedsState, CharDeviceInterface], Sequence[AnyChannel]]] = {
    subtypes.VDAGENT: agent_channels,
    subtypes.SMARTCARD: smartcard_channels,
    subtypes.USBREDIR: usbredir_channels,
    subtypes.PORT: port_channels,
}


def char_device_channels(reds: RedsState, device: CharDeviceInterface) -> Sequence[AnyChannel]:
    return SUBTYPES[device.subtype](reds, device)


def char_device_added(reds: RedsState, device: CharDeviceInterface) -> None:
    if device.subtype == subtypes.VDAGENT:
        reds.agent.attach(device)


def char_device_removed(reds: RedsState, device: CharDeviceInterface) -> None:
    if device.subtype == subtypes.VDAGENT:
        reds.agent.detach(device)


def screen_added(reds: RedsState, qxl: QxlInterface) -> None:
    """The agent is told which graphics devices the screens are."""
    qxl.device_info_listener = reds.agent.device_info_changed
    reds.agent.device_info_changed()


def screen_removed(reds: RedsState, qxl: QxlInterface) -> None:
    qxl.device_info_listener = None
    reds.agent.device_info_changed()


class Kind(NamedTuple):
    """One kind of interface."""

    name: str
    interface: type[Interface]
    single: bool = False
    """Whether there may be only one."""
    removable: bool = True
    channels: Callable[[RedsState, Any], Sequence[AnyChannel]] = no_channels
    """Makes the channels that an instance becomes; they are not registered yet."""
    added: Callable[[RedsState, Any], None] = nothing
    """What is to be done once an instance and its channels are registered."""
    removed: Callable[[RedsState, Any], None] = nothing
    """What is to be done once it is not registered any more."""


KINDS = (
    Kind("qxl", QxlInterface, False, True, screen_channels, screen_added, screen_removed),
    Kind("keyboard", KeyboardInterface, True, False, keyboard_channels),
    Kind("mouse", MouseInterface, True, False),
    Kind("tablet", TabletInterface, True),
    Kind(
        "char_device",
        CharDeviceInterface,
        channels=char_device_channels,
        added=char_device_added,
        removed=char_device_removed,
    ),
    Kind("playback", PlaybackInterface, channels=playback_channels),
    Kind("record", RecordInterface, channels=record_channels),
    Kind("net_wire", NetWireInterface, channels=tunnel_channels),
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
        if self._find(instance) is not None:
            raise AlreadyRegisteredError(f"this {type(instance).__name__} is registered already")
        channels = [channel for kind in kinds for channel in kind.channels(reds, instance)]
        reds.channels.check_free(channels)
        for kind in kinds:
            if kind.single:
                setattr(self, kind.name, instance)
        self._registered.append(Registered(instance, kinds, channels))
        reds.register_channel(*channels)
        if self._find(instance) is None:
            return  # the embedder was told of the screens, and removed it
        for kind in kinds:
            kind.added(reds, instance)

    def remove(self, instance: Interface) -> None:
        """See `RedsState.remove_interface`."""
        registered = self._find(instance)
        if registered is None:
            raise NotRegisteredError(f"this {type(instance).__name__} is not registered")
        for kind in registered.kinds:
            if not kind.removable:
                raise NotRegisteredError(f"a {kind.name} cannot be removed")
        self._registered.remove(registered)
        for kind in registered.kinds:
            if kind.single:
                setattr(self, kind.name, None)
        # Both call the embedder, which must find it gone, whatever it does.
        try:
            for kind in registered.kinds:
                kind.removed(self._reds, instance)
        finally:
            self._reds.unregister_channel(*registered.channels)

    def _find(self, instance: Interface) -> Registered | None:
        return next((each for each in self._registered if each.instance is instance), None)
