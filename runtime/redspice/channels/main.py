"""The main channel: who the viewer is, which other channels there are, who moves the pointer.

server                                     viewer
INIT, NAME and UUID if it knows them  ──►
three PINGs, unless it is local       ──►
                                      ◄──  ATTACH_CHANNELS
CHANNELS_LIST                         ──►
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from redspice.caps import Capabilities, MainCap
from redspice.channel import AnyChannel, RedChannel
from redspice.channel_client import Handler, RedChannelClient
from redspice.channels.net_test import NetTest
from redspice.connectivity import ConnectivityMonitor
from redspice.errors import ProtocolError
from redspice.pings import MICROSECONDS
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgData, MsgEmpty
from redspice_protocol.main import (
    MsgcMainMouseModeRequest,
    MsgMainChannelsList,
    MsgMainInit,
    MsgMainMouseMode,
    MsgMainMultiMediaTime,
    MsgMainName,
    MsgMainUuid,
)
from redspice_protocol.structs import ChannelId

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.link import Linked

MAIN = CHANNELS["main"]
INIT = MAIN.server.by_name["init"]
CHANNELS_LIST = MAIN.server.by_name["channels_list"]
MOUSE_MODE = MAIN.server.by_name["mouse_mode"]
MULTI_MEDIA_TIME = MAIN.server.by_name["multi_media_time"]
NAME = MAIN.server.by_name["name"]
UUID = MAIN.server.by_name["uuid"]

# What a viewer may put into one AGENT_DATA; larger agent messages come in several.
MAX_AGENT_DATA = 2048
# AGENT_DATA messages that a viewer may send before it gets new tokens.
AGENT_TOKENS = 10
# The largest message besides agent data: 4 KiB and eleven times the agent's maximum.
MAX_MESSAGE_SIZE = 4096 + 11 * MAX_AGENT_DATA


class MainChannelClient(RedChannelClient):
    """The main channel of one viewer."""

    channel: MainChannel
    # There is no agent yet to start, and no measure of quality that anything would follow.
    IGNORED = frozenset({"client_info", "agent_start", "agent_token", "quality_indicator"})
    PING_TICKS = MICROSECONDS

    list_sent = False
    """Whether the viewer got its list of channels, so that it hears of new ones."""

    def __init__(
        self, channel: MainChannel, client: RedClient, connection: Connection, linked: Linked
    ) -> None:
        super().__init__(channel, client, connection, linked)
        self.connectivity = ConnectivityMonitor(
            channel.core,
            self,
            ask=self._ask,
            fail=connection.fail,
            period=channel.reds.limits.silence_timeout,
        )

    def start(self) -> None:
        super().start()
        reds = self.channel.reds
        self.push(PipeItem(INIT, self._init_message()))
        if MainCap.NAME_AND_UUID in self.remote_caps:
            if reds.name is not None:
                self.push(PipeItem(NAME, MsgMainName(name=reds.name.encode() + b"\0")))
            if reds.uuid is not None:
                self.push(PipeItem(UUID, MsgMainUuid(uuid=reds.uuid.bytes)))
        if not self.connection.local:
            for item in NetTest(self.client, self.pings).items():
                self.push(item)
            self.connectivity.start()

    def disconnected(self) -> None:
        self.connectivity.stop()
        super().disconnected()

    def push_channels(self, channels: Iterable[AnyChannel]) -> None:
        """Tell the viewer of channels it may open."""
        ids = [ChannelId(type=channel.type, id=channel.id) for channel in channels]
        self.push(PipeItem(CHANNELS_LIST, MsgMainChannelsList(channels=ids)))

    def on_attach_channels(self, message: MsgEmpty) -> None:
        self.list_sent = True
        self.push_channels(filter(self.channel.is_open, self.channel.reds.listed_channels()))

    def on_mouse_mode_request(self, message: MsgcMainMouseModeRequest) -> None:
        self.channel.reds.request_mouse_mode(message.mode)

    def on_agent_data(self, message: MsgData) -> None:
        """Dropped, as there is no agent; but too much of it is an error all the same."""
        if len(message.data) > MAX_AGENT_DATA:
            raise ProtocolError(f"agent_data of {len(message.data)} bytes, not {MAX_AGENT_DATA}")

    def _ask(self) -> None:
        self.push(self.pings.item(self._answered))

    def _answered(self, round_trip: float) -> None:
        """That there is an answer is all that the connectivity monitor wants to know."""

    def _init_message(self) -> MsgMainInit:
        reds = self.channel.reds
        return MsgMainInit(
            session_id=self.client.session_id,
            display_channels_hint=reds.channels.display_count(),
            supported_mouse_modes=reds.mouse_modes.supported,
            current_mouse_mode=reds.mouse_modes.current,
            agent_connected=0,
            agent_tokens=AGENT_TOKENS,
            multi_media_time=reds.mm_time(),
            ram_hint=0,
        )

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        **RedChannelClient.HANDLERS,
        "attach_channels": on_attach_channels,
        "mouse_mode_request": on_mouse_mode_request,
        "agent_data": on_agent_data,
    }


class MainChannel(RedChannel[MainChannelClient]):
    """The channel that every viewer opens first."""

    messages = MAIN
    max_message_size = MAX_MESSAGE_SIZE
    measure_latency = False  # the net test does, and the connectivity monitor keeps it alive
    local_caps = Capabilities((MainCap.NAME_AND_UUID,))
    client_class = MainChannelClient

    def is_open(self, channel: AnyChannel) -> bool:
        """Whether viewers are told of a channel: of one for a single viewer only if there is one
        viewer."""
        return channel.allows_multiple or len(self.reds.clients) <= 1

    def announce(self, channel: AnyChannel) -> None:
        """Tell the viewers that have their list of one more channel."""
        for channel_client in self.clients:
            if channel_client.list_sent and self.is_open(channel):
                channel_client.push_channels([channel])

    def push_mouse_mode(self) -> None:
        """Tell every viewer which mouse modes there are and which one is on."""
        self._mark_due(self._mouse_mode_item)

    def push_multi_media_time(self) -> None:
        """Tell every viewer what time it is in the server's audio and video."""
        self._mark_due(self._multi_media_time_item)

    def _mark_due(self, make: Callable[[], PipeItem]) -> None:
        for channel_client in self.clients:
            channel_client.mark_due(make)

    def _mouse_mode_item(self) -> PipeItem:
        modes = self.reds.mouse_modes
        message = MsgMainMouseMode(supported_modes=modes.supported, current_mode=modes.current)
        return PipeItem(MOUSE_MODE, message)

    def _multi_media_time_item(self) -> PipeItem:
        return PipeItem(MULTI_MEDIA_TIME, MsgMainMultiMediaTime(time=self.reds.mm_time()))
