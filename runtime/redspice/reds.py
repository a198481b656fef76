"""The server itself: its channels, its viewers and what they share.

`RedsState` answers the link stage (it is a `link.LinkPolicy`), makes the channels of the interfaces
that an embedder registers, and starts `Connection`s. What is said on a channel is the channel's
business.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from redspice import checks
from redspice.caps import Capabilities
from redspice.channels.cursor import CursorChannel
from redspice.channels.display import DISPLAY, DisplayChannel
from redspice.channels.inputs import InputsChannel
from redspice.channels.main import MAIN, MainChannel
from redspice.client import RedClient
from redspice.connection import Connection
from redspice.display.compression import DEFAULT_COMPRESSION, Compression
from redspice.errors import ConfigurationError, LinkError, ProtocolError
from redspice.interfaces import (
    CoreInterface,
    KeyboardInterface,
    MouseInterface,
    QxlInterface,
    TabletInterface,
)
from redspice.key_pool import KeyPool, KeyRequest
from redspice.limits import DEFAULT_LIMITS, Limits
from redspice.mouse_mode import MouseModes
from redspice.refusals import RefusalLog
from redspice.ring import Ring
from redspice.sasl.mechanisms import SaslConfig
from redspice.security import ChannelRules, ChannelSecurity
from redspice.ticket import Ticket
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from uuid import UUID

    from redspice.channel import AnyChannel
    from redspice.channel_client import RedChannelClient
    from redspice.link import Linked
    from redspice.link_messages import LinkMess
    from redspice.sasl.mechanism import Mechanism
    from redspice.sasl.users import Users
    from redspice.ticket import TicketKey
    from redspice.transport import Transport

Interface = QxlInterface | KeyboardInterface | MouseInterface | TabletInterface

# Milliseconds that the multimedia clock lags behind real time, so that viewers can buffer.
MM_TIME_DELAY = 400
UINT32 = 0xFFFFFFFF


class RedsState:
    """A SPICE server without a socket.

    Make one, `init` it, register interfaces, choose `set_ticket`, `set_sasl` or `set_noauth`, and
    hand every accepted socket to `new_connection`. Until one is chosen nobody gets in.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        """What viewers may cost; another value counts for what begins after it was set."""
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
        self._image_compression = DEFAULT_COMPRESSION
        self._core: CoreInterface | None = None
        self._refusals: RefusalLog | None = None
        self._keys = KeyPool()
        self._ticketing = True
        self._ticket: Ticket | None = None
        self._sasl: SaslConfig | None = None
        self._channel_rules = ChannelRules()

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
    def refusals(self) -> RefusalLog:
        """The log of who was not let in. Raises `ConfigurationError` before `init`."""
        if self._refusals is None:
            raise ConfigurationError("call init first")
        return self._refusals

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

    @property
    def image_compression(self) -> Compression:
        """How pictures go to viewers over a network that have no wish of their own.

        May be set at any time, also to a name like "lz"; an unknown one raises
        `ConfigurationError`.
        """
        return self._image_compression

    @image_compression.setter
    def image_compression(self, compression: Compression | str) -> None:
        try:
            self._image_compression = Compression(compression)
        except ValueError:
            raise ConfigurationError(f"{compression!r} is no image compression") from None
        for display in self._displays():
            display.compression_changed()

    def init(self, core: CoreInterface) -> None:
        """Start to use the embedder's loop, with the main and inputs channels.

        Raises `ConfigurationError` the second time.
        """
        if self._core is not None:
            raise ConfigurationError("init was called already")
        self._core = core
        self._refusals = RefusalLog(core)
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

    def set_ticket(
        self,
        password: str | None,
        lifetime: float | None = None,
        *,
        fail_if_connected: bool = False,
        disconnect_if_connected: bool = False,
    ) -> None:
        """Let viewers in that know `password`, for `lifetime` seconds from now (None: for ever).

        An empty password, or None, lets nobody in. Viewers that are in stay in, unless
        `disconnect_if_connected`. Raises `ConfigurationError`, and changes nothing, for more than
        60 bytes of UTF-8, a NUL, a lifetime that is not positive, or with `fail_if_connected`
        while there are viewers.
        """
        # The reference server keeps 59 of 60 bytes, and has changed the expiry when it refuses.
        if lifetime is not None and not lifetime > 0:
            raise ConfigurationError(f"a ticket cannot live for {lifetime} s")
        expires = None if lifetime is None else self.core.now() + lifetime
        ticket = None if password is None else Ticket(checks.text("password", password), expires)
        if fail_if_connected and self.clients:
            raise ConfigurationError("viewers are connected")
        if not self._ticketing:
            self._keys.retire_shared()
        self._ticket = ticket
        self._ticketing = True
        if disconnect_if_connected:
            self._disconnect_all("the password has changed", LinkErr.PERMISSION_DENIED)

    def set_noauth(self) -> None:
        """Let every viewer in, unless `set_sasl` asks for a user."""
        self._ticketing = False

    def set_sasl(self, users: Users | None, *, allow_plain_sockets: bool = False) -> None:
        """Let those `users` in and nobody else, whatever the ticket; None goes back to the ticket.

        SASL wants TLS or a unix socket. With `allow_plain_sockets` SCRAM is offered elsewhere too:
        nobody can see the password then, but what follows is open to those on the way. Viewers on
        spice-gtk refuse SASL wherever there is no TLS, also on unix sockets.
        """
        self._sasl = None if users is None else SaslConfig(users, allow_plain_sockets)

    def set_channel_security(self, channel: str | None, security: ChannelSecurity) -> None:
        """Which transports a channel accepts, by the name of its type ("main"); None for all that
        have no rule of their own. Channels that are open stay open.

        Raises `ConfigurationError` for an unknown name.
        """
        self._channel_rules.set(channel, security)

    def new_connection(self, transport: Transport, *, skip_auth: bool = False) -> Connection:
        """The state of a socket that was just accepted, with what is known of it.

        With `skip_auth` the viewer needs no password and no user: the embedder knows who it is.
        """
        return Connection(self, transport, skip_auth)

    def kbd_leds(self, leds: int) -> None:
        """The guest changed its lock lights (`KeyboardModifierFlags`)."""
        self.inputs.push_leds(leds)

    def shutdown(self) -> None:
        """Disconnect every viewer."""
        self._disconnect_all("the server shuts down")
        if self._refusals is not None:
            self._refusals.flush()

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
        displays = self._displays()
        if self.mouse_modes.update(self.tablet is not None, len(displays)):
            self.main.push_mouse_mode()
        if self.tablet is not None and len(displays) == 1:
            framebuffer = displays[0].qxl.framebuffer
            self.tablet.set_logical_size(framebuffer.width, framebuffer.height)

    # What the link stage asks (`link.LinkPolicy`), and what becomes of a link.

    def check_channel(self, channel_type: int, transport: Transport) -> LinkErr:
        return self._channel_rules.check(channel_type, transport)

    def server_caps(self, channel_type: int, channel_id: int) -> Capabilities | None:
        channel = self.find_channel(channel_type, channel_id)
        return None if channel is None else channel.local_caps

    def sasl_offers(self, transport: Transport) -> Mapping[str, Callable[[], Mechanism]] | None:
        return None if self._sasl is None else self._sasl.offers(transport)

    def request_key(self, transport: Transport, deliver: Callable[[TicketKey], None]) -> KeyRequest:
        shared = transport.secret or not self._ticketing
        return self._keys.request(shared=shared, deliver=deliver, network=transport.network)

    def run_check(self, check: Callable[[], bool], done: Callable[[bool], None]) -> None:
        self.core.run_job(check, done)

    def check_password(self, password: bytes) -> bool:
        if self._sasl is not None:
            return False  # it was turned on after this link had begun
        if not self._ticketing:
            return True
        return self._ticket is not None and self._ticket.admits(password, self.core.now())

    def check_session(self, mess: LinkMess) -> None:
        name = f"channel {mess.channel_type}:{mess.channel_id}"
        if mess.channel_type == MAIN.id:
            # A viewer that names a session here comes from another server, which nobody sent.
            known = mess.connection_id == 0
        else:
            known = self._find_client(mess.connection_id) is not None
        if not known:
            raise LinkError(LinkErr.BAD_CONNECTION_ID, f"no viewer with this session wants {name}")
        if self.find_channel(mess.channel_type, mess.channel_id) is None:
            raise LinkError(LinkErr.CHANNEL_NOT_AVAILABLE, f"{name} is gone")
        if mess.channel_type == MAIN.id and self._full:
            reason = f"as many viewers as may be are in, {len(self.clients)}"
            raise LinkError(LinkErr.CHANNEL_NOT_AVAILABLE, reason)

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

    @property
    def _full(self) -> bool:
        most = self.limits.max_clients if self.allow_multiple_clients else None
        return most is not None and len(self.clients) >= most

    def _disconnect_all(self, reason: str, code: LinkErr = LinkErr.OK) -> None:
        for client in tuple(self.clients):
            client.disconnect(reason, code)

    def _displays(self) -> list[DisplayChannel]:
        return [channel for channel in self.channels if isinstance(channel, DisplayChannel)]

    def _find_client(self, session_id: int) -> RedClient | None:
        return next((client for client in self.clients if client.session_id == session_id), None)

    def _new_client(self) -> RedClient:
        if not self.allow_multiple_clients:
            for other in tuple(self.clients):
                other.disconnect("another viewer takes over")
        session_id = 0
        while session_id == 0 or self._find_client(session_id) is not None:
            session_id = secrets.randbits(32)
        return RedClient(session_id, self.clients.remove, self.limits.max_glz_pixels)

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
