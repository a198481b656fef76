"""One channel of the server: what its viewers have in common.

A channel sits in the ring of its `RedsState` through `link` and keeps the ring of its connected
channel clients. Each channel type says in class attributes what is fixed for it, and makes its own
kind of channel client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from redspice.caps import Capabilities
from redspice.channel_client import RedChannelClient
from redspice.errors import ProtocolError
from redspice.ring import Ring, RingLink
from redspice.stats.encodings import Encodings
from redspice_protocol import ChannelType
from redspice_protocol.enums import MigrateFlags

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.interfaces import CoreInterface
    from redspice.link import Linked
    from redspice.pipe import PipeItem
    from redspice.reds import RedsState

ClientT = TypeVar("ClientT", bound=RedChannelClient)


class RedChannel(Generic[ClientT]):
    """The server's side of one channel, for all its viewers."""

    messages: ClassVar[ChannelType]
    """The generated tables of this channel type."""
    handle_acks: ClassVar[bool] = False
    """Whether viewers acknowledge messages on this channel."""
    flow_by_bytes: ClassVar[bool] = False
    """Whether what is sent could fill the line, so that it follows what the line carries."""
    measure_latency: ClassVar[bool] = True
    """Whether round trips are measured on this channel, for viewers on a network."""
    allows_multiple: ClassVar[bool] = True
    """Whether several viewers may have this channel; otherwise the first keeps it."""
    max_message_size: ClassVar[int]
    """Bytes that the body of a viewer's message may have."""
    local_caps: ClassVar[Capabilities] = Capabilities()
    """What the link reply announces for this channel."""
    migration_flags: ClassVar[MigrateFlags] = MigrateFlags(0)
    """What a viewer does that takes the channel to another server."""
    client_class: type[ClientT]
    """The kind of channel client that `connect` makes."""

    def __init__(self, reds: RedsState, id: int = 0) -> None:
        self.reds = reds
        self.id = id
        self.link: RingLink[AnyChannel] = RingLink(self)
        self.clients: Ring[ClientT] = Ring()
        # These count all viewers, also those that have left.
        self.times_opened = 0
        self.out_messages = 0
        self.out_bytes = 0
        self.in_messages = 0
        self.in_bytes = 0
        self.encodings = Encodings()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}, {self.clients_num} clients)"

    @property
    def type(self) -> int:
        """The channel type's number."""
        return self.messages.id

    @property
    def name(self) -> str:
        """Type and id, for logs."""
        return f"{self.messages.name}:{self.id}"

    @property
    def core(self) -> CoreInterface:
        return self.reds.core

    @property
    def clients_num(self) -> int:
        """How many viewers are connected to this channel."""
        return len(self.clients)

    def connect(self, client: RedClient, connection: Connection, linked: Linked) -> ClientT:
        """Make the channel client of a viewer that passed the link stage.

        Raises `ProtocolError` if the viewer has this channel already, or another viewer has it and
        it is for one only.
        """
        if self.clients and not self.allows_multiple:
            raise ProtocolError(f"another viewer has channel {self.name}")
        channel_client = self.client_class(self, client, connection, linked)
        channel_client.link = RingLink(channel_client)
        client.add(channel_client)
        self.clients.insert(channel_client.link)
        self.times_opened += 1
        return channel_client

    def disconnect(self, channel_client: ClientT) -> None:
        """Forget a channel client whose connection is over."""
        self.clients.remove(channel_client.link)

    def push(self, item: PipeItem) -> None:
        """Send one message to every viewer of this channel."""
        for channel_client in self.clients:
            channel_client.push(item)

    def registered(self) -> None:
        """The channel is in the ring now; may be extended."""

    def vm_changed(self) -> None:
        """The guest was stopped, or goes on; may be extended."""

    def unregistered(self) -> None:
        """The channel left the ring, its viewers are gone; may be extended."""

    def count_sent(self, size: int) -> None:
        """One more message of `size` bytes, header included, was handed to a transport."""
        self.out_messages += 1
        self.out_bytes += size


# The migration flags of channels with state: `RedChannelClient.save` has it.
TRANSFER = MigrateFlags.NEED_FLUSH | MigrateFlags.NEED_DATA_TRANSFER

# A channel whose kind of channel client does not matter.
AnyChannel: TypeAlias = RedChannel[Any]
