"""The main channel: who the viewer is, which other channels there are, who moves the pointer.

server                                     viewer
INIT, NAME and UUID if it knows them  ──►
three PINGs, unless it is local       ──►
                                      ◄──  ATTACH_CHANNELS
CHANNELS_LIST                         ──►

What is said about and with the agent in the guest is the business of `redspice.agent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from redspice.agent.device import CLIENT_TOKENS
from redspice.agent.headers import MAX_CHUNK_SIZE
from redspice.caps import Capabilities, MainCap
from redspice.channel import TRANSFER, AnyChannel, RedChannel
from redspice.channel_client import Handler, RedChannelClient
from redspice.channels.net_test import NetTest
from redspice.connectivity import ConnectivityMonitor
from redspice.errors import ProtocolError
from redspice.migration.body import VERSION
from redspice.migration.data import MainData
from redspice.migration.source import Answer
from redspice.pings import MICROSECONDS
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgData, MsgEmpty
from redspice_protocol.enums import LinkErr
from redspice_protocol.main import (
    MsgcMainAgentStart,
    MsgcMainAgentToken,
    MsgcMainMigrateDstDoSeamless,
    MsgcMainMouseModeRequest,
    MsgMainAgentConnectedTokens,
    MsgMainAgentDisconnected,
    MsgMainAgentToken,
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
    from redspice_protocol import Buffer

MAIN = CHANNELS["main"]
AGENT_CONNECTED = MAIN.server.by_name["agent_connected"]
AGENT_CONNECTED_TOKENS = MAIN.server.by_name["agent_connected_tokens"]
AGENT_DATA = MAIN.server.by_name["agent_data"]
AGENT_DISCONNECTED = MAIN.server.by_name["agent_disconnected"]
AGENT_TOKEN = MAIN.server.by_name["agent_token"]
DST_SEAMLESS_ACK = MAIN.server.by_name["migrate_dst_seamless_ack"]
DST_SEAMLESS_NACK = MAIN.server.by_name["migrate_dst_seamless_nack"]
INIT = MAIN.server.by_name["init"]
CHANNELS_LIST = MAIN.server.by_name["channels_list"]
MOUSE_MODE = MAIN.server.by_name["mouse_mode"]
MULTI_MEDIA_TIME = MAIN.server.by_name["multi_media_time"]
NAME = MAIN.server.by_name["name"]
UUID = MAIN.server.by_name["uuid"]

# The largest message besides agent data: 4 KiB and eleven times the agent's maximum.
MAX_MESSAGE_SIZE = 4096 + 11 * MAX_CHUNK_SIZE
# What may wait for a viewer while the agent is read. More of its data stays in the guest, so a
# large clipboard does not count as a viewer that does not read. Limits allow no pipe of fewer than
# 64 messages.
AGENT_MESSAGES = 32
AGENT_ROOM = AGENT_MESSAGES * MAX_CHUNK_SIZE


class MainChannelClient(RedChannelClient):
    """The main channel of one viewer."""

    channel: MainChannel
    # There is no measure of quality that anything would follow.
    IGNORED = frozenset({"client_info", "quality_indicator"})
    PING_TICKS = MICROSECONDS

    _untold_tokens = 0
    """What would have allowed messages to the agent, had it not come after MIGRATE."""
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
        # Who comes from another server has opened all that it wants, and asks for no list.
        self.list_sent = self.client.target is not None
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
        reds.agent.read_on()

    def leave(self) -> None:
        self.connectivity.stop()
        self.channel.reds.agent.viewer_leaves(self)
        super().leave()

    def save(self) -> bytes:
        data = self.channel.reds.agent.save(self)
        if data.started:
            # A viewer that spends tokens which it was not told of cannot have fewer than none.
            told = data.agent.client_tokens - self._untold_tokens
            data.agent.client_tokens = max(0, told)
        return data.build()

    def restore(self, data: Buffer) -> None:
        state, agent = MainData.parse(data), self.channel.reds.agent
        super().start()
        if agent.connected and not state.agent.connected:
            self.push_agent_connected()
        elif state.agent.connected and not agent.connected:
            self.push(self.channel.agent_disconnected_item())
        else:
            agent.restore(self, state)
        self.list_sent = True
        self.push(self.channel.mouse_mode_item())
        self.push(self.channel.multi_media_time_item())
        if not self.connection.local:
            self.connectivity.start()
        agent.read_on()

    def disconnected(self) -> None:
        self.connectivity.stop()
        super().disconnected()
        self.channel.reds.agent.viewer_gone(self)

    def push_channels(self, channels: Iterable[AnyChannel]) -> None:
        """Tell the viewer of channels it may open."""
        ids = [ChannelId(type=channel.type, id=channel.id) for channel in channels]
        self.push(PipeItem(CHANNELS_LIST, MsgMainChannelsList(channels=ids)))

    def on_attach_channels(self, message: MsgEmpty) -> None:
        self.list_sent = True
        self.push_channels(filter(self.channel.is_open, self.channel.reds.listed_channels()))

    def on_mouse_mode_request(self, message: MsgcMainMouseModeRequest) -> None:
        self.channel.reds.request_mouse_mode(message.mode)

    def on_agent_start(self, message: MsgcMainAgentStart) -> None:
        self.channel.reds.agent.viewer_started(self, message.num_tokens)

    def on_agent_token(self, message: MsgcMainAgentToken) -> None:
        self.channel.reds.agent.viewer_granted(self, message.num_tokens)

    def on_agent_data(self, message: MsgData) -> None:
        """Too much of it is an error even where there is no agent."""
        if len(message.data) > MAX_CHUNK_SIZE:
            raise ProtocolError(f"agent_data of {len(message.data)} bytes, not {MAX_CHUNK_SIZE}")
        self.channel.reds.agent.viewer_sent(self, bytes(message.data))

    def on_migrate_connected(self, message: MsgEmpty) -> None:
        self.channel.reds.migration.answered(self.client, Answer.CONNECTED)

    def on_migrate_connected_seamless(self, message: MsgEmpty) -> None:
        self.channel.reds.migration.answered(self.client, Answer.CONNECTED_SEAMLESS)

    def on_migrate_connect_error(self, message: MsgEmpty) -> None:
        self.channel.reds.migration.answered(self.client, Answer.ERROR)

    def on_migrate_end(self, message: MsgEmpty) -> None:
        self.client.arriving().let_go()

    def on_migrate_dst_do_seamless(self, message: MsgcMainMigrateDstDoSeamless) -> None:
        seamless = self.channel.reds.seamless_migration and message.src_version <= VERSION
        self.client.arriving().decide(seamless)
        answer = DST_SEAMLESS_ACK if seamless else DST_SEAMLESS_NACK
        self.push_migration(PipeItem(answer, MsgEmpty()))

    # What the agent's device wants of a viewer (`agent.device.AgentViewer`).

    def send_agent_data(self, piece: bytes) -> None:
        self.push(PipeItem(AGENT_DATA, MsgData(data=piece)))

    def send_agent_tokens(self, count: int) -> None:
        if self.departure is not None:
            self._untold_tokens += count
            return
        self.push(PipeItem(AGENT_TOKEN, MsgMainAgentToken(num_tokens=count)))

    def has_agent_room(self) -> bool:
        if self.departure is not None:
            return False
        return len(self.pipe) < AGENT_MESSAGES and self.pipe.bytes < AGENT_ROOM

    def fail_agent(self, reason: str) -> None:
        self.connection.fail(reason)

    def next_items(self) -> list[PipeItem]:
        """The pipe is empty: the agent may fill it again."""
        self.channel.reds.agent.viewer_ready(self)
        return []

    def push_agent_connected(self) -> None:
        """Tell the viewer that an agent has come."""
        if MainCap.AGENT_CONNECTED_TOKENS in self.remote_caps:
            message = MsgMainAgentConnectedTokens(num_tokens=CLIENT_TOKENS)
            self.push(PipeItem(AGENT_CONNECTED_TOKENS, message))
        else:
            self.push(PipeItem(AGENT_CONNECTED, MsgEmpty()))

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
            agent_connected=int(reds.agent.connected),
            agent_tokens=CLIENT_TOKENS,
            multi_media_time=reds.mm_time(),
            ram_hint=0,
        )

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        **RedChannelClient.HANDLERS,
        "attach_channels": on_attach_channels,
        "mouse_mode_request": on_mouse_mode_request,
        "agent_start": on_agent_start,
        "agent_token": on_agent_token,
        "agent_data": on_agent_data,
        "migrate_connected": on_migrate_connected,
        "migrate_connected_seamless": on_migrate_connected_seamless,
        "migrate_connect_error": on_migrate_connect_error,
        "migrate_end": on_migrate_end,
        "migrate_dst_do_seamless": on_migrate_dst_do_seamless,
    }


class MainChannel(RedChannel[MainChannelClient]):
    """The channel that every viewer opens first."""

    messages = MAIN
    max_message_size = MAX_MESSAGE_SIZE
    measure_latency = False  # the net test does, and the connectivity monitor keeps it alive
    local_caps = Capabilities(MainCap)
    migration_flags = TRANSFER
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
        self._mark_due(self.mouse_mode_item)

    def push_agent_connected(self) -> None:
        """Tell every viewer that an agent has come."""
        for channel_client in self.clients:
            channel_client.push_agent_connected()

    def push_agent_disconnected(self) -> None:
        """Tell every viewer that the agent has gone."""
        self.push(self.agent_disconnected_item())

    def agent_disconnected_item(self) -> PipeItem:
        """That there is no agent any more."""
        return PipeItem(AGENT_DISCONNECTED, MsgMainAgentDisconnected(error_code=LinkErr.OK))

    def push_multi_media_time(self) -> None:
        """Tell every viewer what time it is in the server's audio and video."""
        self._mark_due(self.multi_media_time_item)

    def _mark_due(self, make: Callable[[], PipeItem]) -> None:
        for channel_client in self.clients:
            channel_client.mark_due(make)

    def mouse_mode_item(self) -> PipeItem:
        """The mouse modes as they are."""
        modes = self.reds.mouse_modes
        message = MsgMainMouseMode(supported_modes=modes.supported, current_mode=modes.current)
        return PipeItem(MOUSE_MODE, message)

    def multi_media_time_item(self) -> PipeItem:
        """The multimedia time as it is."""
        return PipeItem(MULTI_MEDIA_TIME, MsgMainMultiMediaTime(time=self.reds.mm_time()))
