"""The server itself: its channels, its viewers and what they share.

`RedsState` is what an embedder calls. It owns one small object for each matter: who may come in
(`admission`), who is in (`sessions`), what is registered (`devices`, `channels`), who moves the
pointer (`mouse_modes`). What is said on a channel is the channel's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from redspice import checks
from redspice.admission import Admission
from redspice.agent.relay import AgentRelay
from redspice.channel_ring import ChannelRing
from redspice.channels.inputs import InputsChannel
from redspice.channels.main import MainChannel
from redspice.connection import Connection
from redspice.devices import Devices
from redspice.display.compression import DEFAULT_COMPRESSION, Compression
from redspice.errors import ConfigurationError
from redspice.interfaces import CoreInterface, check_version
from redspice.limits import DEFAULT_LIMITS, Limits
from redspice.migration.commands import MigrationCommands
from redspice.migration.source import Migration
from redspice.mouse_mode import MouseModes
from redspice.refusals import RefusalLog
from redspice.sasl.mechanisms import SaslConfig
from redspice.sessions import Sessions
from redspice.stats.collect import Statistics
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from redspice.channel import AnyChannel
    from redspice.client import RedClient
    from redspice.interfaces import Interface, Timer
    from redspice.sasl.users import Users
    from redspice.security import ChannelSecurity
    from redspice.transport import Transport

# Milliseconds that the multimedia clock lags behind real time, so that viewers can buffer.
MM_TIME_DELAY = 400
UINT32 = 0xFFFFFFFF


class RedsState(MigrationCommands):
    """A SPICE server without a socket.

    Make one, `init` it, register interfaces, choose `set_ticket`, `set_sasl` or `set_noauth`, and
    hand every accepted socket to `new_connection`. Until one is chosen nobody gets in.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        """What viewers may cost; another value counts for what begins after it was set."""
        self.allow_multiple_clients = False
        """Whether a new viewer leaves the others connected."""
        self.exit_on_disconnect = False
        """Whether the core is told to `exit` when the last viewer has left."""
        self.channels = ChannelRing()
        self.devices = Devices(self)
        self.sessions = Sessions(self)
        self.admission = Admission(self)
        self.mouse_modes = MouseModes()
        """Who moves the pointer, as `mouse_modes.current`, and who could."""
        self.stats = Statistics(self)
        self.main = MainChannel(self)
        self.mouse_modes.listeners.append(self.main.push_mouse_mode)
        self.inputs = InputsChannel(self)
        self.agent = AgentRelay(self)
        self.migration = Migration(self)
        self._vm_running = True
        self._name: str | None = None
        self._uuid: UUID | None = None
        self._image_compression = DEFAULT_COMPRESSION
        self._core: CoreInterface | None = None
        self._refusals: RefusalLog | None = None
        self._leaving: Timer

    def __repr__(self) -> str:
        return f"RedsState({len(self.channels)} channels, {len(self.clients)} clients)"

    @property
    def clients(self) -> list[RedClient]:
        """The viewers that are connected, in the order in which they came."""
        return self.sessions.clients

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
    def uuid(self) -> UUID | None:
        """What tells viewers that two addresses are one server. Setting what is no `uuid.UUID`
        raises `ConfigurationError`."""
        return self._uuid

    @uuid.setter
    def uuid(self, uuid: UUID | None) -> None:
        if uuid is not None and not isinstance(uuid, UUID):
            raise ConfigurationError(f"{uuid!r} is no UUID")
        self._uuid = uuid

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
        for display in self.channels.displays():
            display.compression_changed()

    @property
    def agent_mouse(self) -> bool:
        """Whether the agent may move the pointer, instead of a tablet. May be set at any time."""
        return self.agent.mouse

    @agent_mouse.setter
    def agent_mouse(self, allowed: bool) -> None:
        self.agent.mouse = allowed

    @property
    def agent_copypaste(self) -> bool:
        """Whether viewers and agent may share the clipboard. May be set at any time."""
        return self.agent.rules.copypaste

    @agent_copypaste.setter
    def agent_copypaste(self, allowed: bool) -> None:
        self.agent.rules.copypaste = allowed

    @property
    def agent_file_xfer(self) -> bool:
        """Whether viewers may send files to the agent. May be set at any time; viewers that are
        connected offer it again when the agent announces itself again."""
        return self.agent.rules.file_xfer

    @agent_file_xfer.setter
    def agent_file_xfer(self, allowed: bool) -> None:
        self.agent.rules.file_xfer = allowed

    def init(self, core: CoreInterface) -> None:
        """Start to use the embedder's loop, with the main and inputs channels.

        Raises `ConfigurationError` the second time, and for a core that is none or wants another
        version of the interface.
        """
        if self._core is not None:
            raise ConfigurationError("init was called already")
        if not isinstance(core, CoreInterface):
            raise ConfigurationError(f"{type(core).__name__} is not a core interface")
        check_version(core, "core")
        self._core = core
        self._refusals = RefusalLog(core)
        self._leaving = core.timer(self._exit_if_alone)
        self.admission.start(core)
        self.register_channel(self.main)
        self.register_channel(self.inputs)

    def add_interface(self, instance: Interface) -> None:
        """Register a screen or a device, or an object that is several of them.

        Registers nothing, and raises `ConfigurationError` before `init`, for lock lights that do
        not fit 16 bits, and for anything that is no interface; its subclasses
        `AlreadyRegisteredError` for a second keyboard, mouse, tablet or migration, for a qxl id
        that is taken and for the same object again, `InterfaceVersionError` for an interface that
        wants another version.
        """
        _ = self.core
        self.devices.add(instance)

    def remove_interface(self, instance: Interface) -> None:
        """Take a screen or a device away, with its channels and what viewers have open of them.

        Raises `NotRegisteredError` for what is not registered, and for a keyboard, a mouse or a
        migration, which stay.
        """
        self.devices.remove(instance)

    def set_ticket(
        self,
        password: str | None,
        lifetime: float | None = None,
        *,
        fail_if_connected: bool = False,
        disconnect_if_connected: bool = False,
    ) -> None:
        """Let viewers in that know `password`, for `lifetime` seconds from now (None: for ever).

        An empty password, or None, lets nobody in. Before `init` there is no clock: then the time
        begins there. Viewers that are in stay in, unless `disconnect_if_connected`. Raises
        `ConfigurationError`, and changes nothing, for more than 60 bytes of UTF-8, a NUL, a
        lifetime that is not positive, or with `fail_if_connected` while there are viewers.
        """
        if fail_if_connected and self.clients:
            raise ConfigurationError("viewers are connected")
        self.admission.set_ticket(password, lifetime)
        if disconnect_if_connected:
            self.sessions.disconnect_all("the password has changed", LinkErr.PERMISSION_DENIED)

    def set_noauth(self) -> None:
        """Let every viewer in, unless `set_sasl` asks for a user."""
        self.admission.set_noauth()

    def set_sasl(self, users: Users | None, *, allow_plain_sockets: bool = False) -> None:
        """Let those `users` in and nobody else, whatever the ticket; None goes back to the ticket.

        SASL wants TLS or a unix socket. With `allow_plain_sockets` SCRAM is offered elsewhere too:
        nobody can see the password then, but what follows is open to those on the way. Viewers on
        spice-gtk refuse SASL wherever there is no TLS, also on unix sockets.
        """
        config = None if users is None else SaslConfig(users, allow_plain_sockets)
        self.admission.sasl = config

    def set_channel_security(self, channel: str | None, security: ChannelSecurity) -> None:
        """Which transports a channel accepts, by the name of its type ("main"); None for all that
        have no rule of their own. Channels that are open stay open.

        Raises `ConfigurationError` for an unknown name.
        """
        self.admission.rules.set(channel, security)

    def new_connection(self, transport: Transport, *, skip_auth: bool = False) -> Connection:
        """The state of a socket that was just accepted, with what is known of it.

        With `skip_auth` the viewer needs no password and no user: the embedder knows who it is.
        """
        return Connection(self, transport, skip_auth)

    def kbd_leds(self, leds: int) -> None:
        """The guest changed its lock lights (`KeyboardModifierFlags`)."""
        self.inputs.push_leds(leds)

    @property
    def vm_running(self) -> bool:
        """Whether the guest runs; it does until `vm_stop` is called."""
        return self._vm_running

    def vm_start(self) -> None:
        """The guest goes on."""
        self._vm_changed(True)

    def vm_stop(self) -> None:
        """The guest is stopped: viewers stay, and nothing is expected of its devices until
        `vm_start`."""
        self._vm_changed(False)

    def shutdown(self) -> None:
        """Disconnect every viewer."""
        self.sessions.disconnect_all("the server shuts down")
        if self._refusals is not None:
            self._refusals.flush()

    # The ring of channels.

    def register_channel(self, *channels: AnyChannel) -> None:
        """Insert a channel, or several, and tell viewers that already have their list.

        Raises, and inserts none, `AlreadyRegisteredError` if there is one of this type and id, and
        `ConfigurationError` for an id that is not 0..255.
        """
        self.channels.check_free(channels)
        for channel in channels:
            self.channels.insert(channel.link)
            channel.registered()
            self.main.announce(channel)
        # Last, as it calls the embedder: the channels of a screen come and go together.
        self.screens_changed()

    def unregister_channel(self, *channels: AnyChannel) -> None:
        """Take a channel, or several, out and disconnect it from its viewers.

        Raises `NotRegisteredError`, and takes none, for one that is not registered here.
        """
        self.channels.check_registered(channels)
        for channel in channels:
            self.channels.remove(channel.link)
        for channel in channels:
            for channel_client in channel.clients:
                channel_client.connection.end("the channel was unregistered")
            channel.unregistered()
        self.screens_changed()

    def listed_channels(self) -> list[AnyChannel]:
        """What a viewer may open besides main, newest registration first."""
        return [channel for channel in self.channels if channel is not self.main]

    # What viewers share.

    def mm_time(self) -> int:
        """The multimedia clock: milliseconds, modulo 2 ** 32."""
        return int(self.core.now() * 1000) - MM_TIME_DELAY & UINT32

    def request_mouse_mode(self, mode: int) -> None:
        """A viewer wants another mouse mode; ignored if that is not allowed."""
        self.mouse_modes.request(mode)

    def screens_changed(self) -> None:
        """Displays, the tablet or the agent came, went or changed: follow with mouse mode and
        area."""
        displays = self.channels.displays()
        tablet = self.devices.tablet
        agent = self.agent.tablet
        self.mouse_modes.update(
            tablet is not None, len(displays), agent is not None, self.channels.display_count()
        )
        if tablet is not None and len(displays) == 1:
            framebuffer = displays[0].qxl.framebuffer
            tablet.set_logical_size(framebuffer.width, framebuffer.height)

    def last_viewer_left(self) -> None:
        """No viewer is connected: end, unless the next one is just taking over."""
        if self.exit_on_disconnect:
            self._leaving.start(0)

    def _exit_if_alone(self) -> None:
        if not self.clients:
            self.core.exit()

    def _vm_changed(self, running: bool) -> None:
        self._vm_running = running
        for channel in self.channels:
            channel.vm_changed()
