"""The server itself: its channels, its viewers and what they share.

`RedsState` answers the link stage (it is a `link.LinkPolicy`), makes the channels of the interfaces
that an embedder registers, and starts `Connection`s. What is said on a channel is the channel's
business.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from redspice import checks
from redspice.caps import Capabilities
from redspice.channels.cursor import CursorChannel
from redspice.channels.display import DISPLAY, DisplayChannel
from redspice.channels.inputs import InputsChannel
from redspice.channels.main import MAIN, MainChannel
from redspice.client import RedClient
from redspice.connection import Connection
from redspice.errors import ConfigurationError, ProtocolError
from redspice.interfaces import (
    CoreInterface,
    KeyboardInterface,
    MouseInterface,
    QxlInterface,
    TabletInterface,
)
from redspice.key_pool import KeyPool
from redspice.mouse_mode import MouseModes
from redspice.ring import Ring
from redspice.ticket import Ticket
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from uuid import UUID

    from redspice.channel import AnyChannel
    from redspice.channel_client import RedChannelClient
    from redspice.link import Linked
    from redspice.link_messages import LinkMess
    from redspice.ticket import TicketKey

Interface = QxlInterface | KeyboardInterface | MouseInterface | TabletInterface

# Milliseconds that the multimedia clock lags behind real time, so that viewers can buffer.
MM_TIME_DELAY = 400
UINT32 = 0xFFFFFFFF


class RedsState:
    """A SPICE server without a socket.

    Make one, `init` it, register interfaces, choose `set_ticket` or `set_noauth`, and hand every
    accepted socket to `new_connection`. Until a password is set nobody gets in.
    """

    def __init__(self) -> None:
        self.uuid: UUID | None = None
        """What tells viewers that two addresses are one server."""
        self.allow_multiple_clients = False
        """Whether a new viewer leaves the others connected."""
        self.channels: Ring[AnyChannel] = Ring()
        self.clients: list[RedClient] = []
        self.mouse_modes = MouseModes()
        self.keyboard: KeyboardInterface | None = None
        self.mouse: MouseInterface | None = None
        self.tablet: TabletInterface | None = None
        self.main = MainChannel(self)
        self.inputs = InputsChannel(self)
        self._name: str | None = None
        self._core: CoreInterface | None = None
        self._keys = KeyPool()
        self._ticketing = True
        self._ticket: Ticket | None = None

    def __repr__(self) -> str:
        return f"RedsState({len(self.channels)} channels, {len(self.clients)} clients)"

    # What an embedder calls.

    @property
    def core(self) -> CoreInterface:
        """The embedder's loop. Raises `ConfigurationError` before `init`."""
        if self._core is None:
            raise ConfigurationError("call init first")
        return self._core

    @property
    def name(self) -> str | None:
        """What viewers may show as the server's name. Setting an impossible one raises
        `ConfigurationError`."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None:
            checks.text("name", name)
        self._name = name

    def init(self, core: CoreInterface) -> None:
        """Start to use the embedder's loop, with the main and inputs channels.

        Raises `ConfigurationError` the second time.
        """
        if self._core is not None:
            raise ConfigurationError("init was called already")
        self._core = core
        self._keys.start(core)
        self.register_channel(self.main)
        self.register_channel(self.inputs)

    def add_interface(self, instance: Interface) -> None:
        """Register a screen or an input device, or an object that is several of them.

        Raises `ConfigurationError`, and registers nothing, before `init`, for a second keyboard,
        mouse or tablet, for a qxl id that is taken, for lock lights that do not fit 16 bits, and
        for anything that is no interface.
        """
        _ = self.core
        devices = [name for kind, name in self._DEVICES.items() if isinstance(instance, kind)]
        if not devices and not isinstance(instance, QxlInterface):
            raise ConfigurationError(f"{type(instance).__name__} is not an interface")
        for name in devices:
            if getattr(self, name) is not None:
                raise ConfigurationError(f"there is a {name} already")
        if isinstance(instance, KeyboardInterface):
            checks.leds(instance.get_leds())
        if isinstance(instance, QxlInterface):
            self._add_qxl(instance)
        for name in devices:
            setattr(self, name, instance)
        if isinstance(instance, TabletInterface):
            self.screens_changed()

    def set_ticket(self, password: str, lifetime: float | None = None) -> None:
        """Let viewers in that know `password`, for `lifetime` seconds from now (None: for ever).

        Viewers that are in stay in. An empty password lets nobody in. Raises `ConfigurationError`
        for more than 60 bytes of UTF-8, a NUL, or a lifetime that is not positive.
        """
        if lifetime is not None and lifetime <= 0:
            raise ConfigurationError(f"a ticket cannot live for {lifetime} s")
        expires = None if lifetime is None else self.core.now() + lifetime
        self._ticket = Ticket(checks.text("password", password), expires)
        self._ticketing = True
        self._keys.retire_shared()

    def set_noauth(self) -> None:
        """Let every viewer in."""
        self._ticketing = False

    def new_connection(self, peer: str, local: bool = False) -> Connection:
        """The state of a socket that was just accepted from `peer` (any text, for logs)."""
        return Connection(self, peer, local)

    def kbd_leds(self, leds: int) -> None:
        """The guest changed its lock lights (`KeyboardModifierFlags`)."""
        self.inputs.push_leds(leds)

    def shutdown(self) -> None:
        """Disconnect every viewer."""
        for client in tuple(self.clients):
            client.disconnect("the server shuts down")

    # The ring of channels.

    def register_channel(self, channel: AnyChannel) -> None:
        """Insert a channel and tell viewers that already have their list.

        Raises `ConfigurationError` if there is one of this type and id.
        """
        self._check_free(channel)
        self.channels.insert(channel.link)
        channel.registered()
        self.main.announce(channel)
        self.screens_changed()

    def unregister_channel(self, channel: AnyChannel) -> None:
        """Take a channel out and disconnect it from its viewers."""
        self.channels.remove(channel.link)
        for channel_client in channel.clients:
            channel_client.connection.end("the channel was unregistered")
        channel.unregistered()
        self.screens_changed()

    def find_channel(self, type: int, id: int) -> AnyChannel | None:
        """The registered channel of this type and id."""
        for channel in self.channels:
            if (channel.type, channel.id) == (type, id):
                return channel
        return None

    def listed_channels(self) -> list[AnyChannel]:
        """What a viewer may open besides main, newest registration first."""
        return [channel for channel in self.channels if channel is not self.main]

    def display_count(self) -> int:
        """How many screens there are."""
        return sum(channel.type == DISPLAY.id for channel in self.channels)

    # What viewers share.

    def mm_time(self) -> int:
        """The multimedia clock: milliseconds, modulo 2 ** 32."""
        return int(self.core.now() * 1000) - MM_TIME_DELAY & UINT32

    def request_mouse_mode(self, mode: int) -> None:
        """A viewer wants another mouse mode; ignored if that is not allowed."""
        if self.mouse_modes.request(mode):
            self.main.push_mouse_mode()

    def screens_changed(self) -> None:
        """Displays or the tablet came, went or changed size: follow with mouse mode and area."""
        displays = [channel for channel in self.channels if isinstance(channel, DisplayChannel)]
        if self.mouse_modes.update(self.tablet is not None, len(displays)):
            self.main.push_mouse_mode()
        if self.tablet is not None and len(displays) == 1:
            framebuffer = displays[0].qxl.framebuffer
            self.tablet.set_logical_size(framebuffer.width, framebuffer.height)

    # What the link stage asks (`link.LinkPolicy`), and what becomes of a link.

    def check_channel(self, mess: LinkMess) -> LinkErr:
        """Every channel may come over every transport yet."""
        return LinkErr.OK

    def server_caps(self, channel_type: int, channel_id: int) -> Capabilities | None:
        channel = self.find_channel(channel_type, channel_id)
        return None if channel is None else channel.local_caps

    def ticket_key(self) -> TicketKey:
        return self._keys.take() if self._ticketing else self._keys.shared()

    def check_password(self, password: bytes) -> bool:
        if not self._ticketing:
            return True
        return self._ticket is not None and self._ticket.admits(password, self.core.now())

    def check_session(self, mess: LinkMess) -> LinkErr:
        if mess.channel_type == MAIN.id:
            # A viewer that names a session here comes from another server, which nobody sent.
            known = mess.connection_id == 0
        else:
            known = self._find_client(mess.connection_id) is not None
        if not known:
            return LinkErr.BAD_CONNECTION_ID
        if self.find_channel(mess.channel_type, mess.channel_id) is None:
            return LinkErr.CHANNEL_NOT_AVAILABLE
        return LinkErr.OK

    def attach(self, connection: Connection, linked: Linked) -> RedChannelClient:
        """The channel client of a connection that `check_session` has let pass.

        Raises `ProtocolError` if the viewer has this channel already, or if viewer, channel or
        connection went while the embedder was told of the link or of viewers that had to leave.
        """
        if linked.channel_type == MAIN.id:
            client: RedClient | None = self._new_client()
        else:
            client = self._find_client(linked.connection_id)
        channel = self.find_channel(linked.channel_type, linked.channel_id)
        if channel is None or client is None or connection.closed:
            raise ProtocolError("the session or the channel ended during the link stage")
        channel_client: RedChannelClient = channel.connect(client, connection, linked)
        if client not in self.clients:
            self.clients.append(client)
        return channel_client

    def _find_client(self, session_id: int) -> RedClient | None:
        return next((client for client in self.clients if client.session_id == session_id), None)

    def _new_client(self) -> RedClient:
        if not self.allow_multiple_clients:
            for other in tuple(self.clients):
                other.disconnect("another viewer takes over")
        session_id = 0
        while session_id == 0 or self._find_client(session_id) is not None:
            session_id = secrets.randbits(32)
        return RedClient(session_id, on_gone=self.clients.remove)

    def _add_qxl(self, qxl: QxlInterface) -> None:
        channels = (DisplayChannel(self, qxl), CursorChannel(self, qxl))
        for channel in channels:
            self._check_free(channel)
        for channel in channels:
            self.register_channel(channel)

    def _check_free(self, channel: AnyChannel) -> None:
        if self.find_channel(channel.type, channel.id) is not None:
            raise ConfigurationError(f"channel {channel.name} is registered already")

    _DEVICES: ClassVar[Mapping[type, str]] = {
        KeyboardInterface: "keyboard",
        MouseInterface: "mouse",
        TabletInterface: "tablet",
    }
