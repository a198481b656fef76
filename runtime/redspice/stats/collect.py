"""Taking stock of a server: the objects that count do nothing but add, and are walked when asked.

A snapshot costs some microseconds for each channel of each viewer, so once a second is no burden.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from redspice.stats.snapshot import ChannelStats, ClientStats, ConnectionStats, ServerStats
from redspice.stats.tally import Tally

if TYPE_CHECKING:
    from redspice.channel import AnyChannel
    from redspice.channel_client import RedChannelClient
    from redspice.client import RedClient
    from redspice.interfaces import CoreInterface
    from redspice.refusals import RefusalLog

Connections = dict["RedChannelClient", ConnectionStats]


class Counted(Protocol):
    """What there is to know of a server."""

    @property
    def core(self) -> CoreInterface: ...

    @property
    def channels(self) -> Iterable[AnyChannel]: ...

    @property
    def clients(self) -> Iterable[RedClient]: ...

    @property
    def refusals(self) -> RefusalLog: ...


class Statistics:
    """The statistics of one server."""

    def __init__(self, server: Counted) -> None:
        self._server = server

    def snapshot(self) -> ServerStats:
        """How it stands now. For the loop of the server; raises `ConfigurationError` before its
        `init`."""
        server = self._server
        connections: Connections = {}
        channels = [
            _channel(channel, connections)
            for channel in sorted(server.channels, key=lambda channel: (channel.type, channel.id))
        ]
        return ServerStats(
            at=server.core.now(),
            clients=tuple(_client(client, connections) for client in server.clients),
            channels=tuple(channels),
            refusals=dict(server.refusals.totals),
        )


def _channel(channel: AnyChannel, connections: Connections) -> ChannelStats:
    """The channel, whose connections are added to all others."""
    name, latency = channel.name, Tally()
    own = {one: _connection(one, name) for one in channel.clients}
    connections.update(own)
    for one in own.values():
        if one.latency is not None:
            latency.add(one.latency)
    return ChannelStats(
        type=channel.type,
        id=channel.id,
        name=name,
        opened=channel.times_opened,
        out_messages=channel.out_messages,
        out_bytes=channel.out_bytes,
        in_messages=channel.in_messages,
        in_bytes=channel.in_bytes,
        latency=latency,
        connections=tuple(own.values()),
        encodings=channel.encodings.snapshot(),
    )


def _client(client: RedClient, connections: Connections) -> ClientStats:
    return ClientStats(
        peer="" if client.main is None else client.main.connection.peer,
        latency=client.latency,
        bitrate=client.bitrate,
        connections=tuple(
            connections[one] for one in client.channel_clients.values() if one in connections
        ),
    )


def _connection(channel_client: RedChannelClient, name: str) -> ConnectionStats:
    ack, flow = channel_client.ack, channel_client.flow
    return ConnectionStats(
        channel=name,
        out_messages=channel_client.serial,
        out_bytes=channel_client.out_bytes,
        in_messages=channel_client.in_messages,
        in_bytes=channel_client.in_bytes,
        queue_messages=len(channel_client.pipe),
        queue_bytes=channel_client.pipe.bytes,
        unacknowledged=0 if ack is None else ack.unacknowledged,
        in_flight_bytes=0 if flow is None else flow.in_flight,
        latency=_latency(channel_client),
    )


def _latency(channel_client: RedChannelClient) -> float | None:
    """As the flow of bytes has seen it lately, else as it was measured on purpose."""
    if channel_client.flow is not None and channel_client.flow.round_trip is not None:
        return channel_client.flow.round_trip
    if channel_client is channel_client.client.main:
        return channel_client.client.latency
    return channel_client.latency_monitor.latency
