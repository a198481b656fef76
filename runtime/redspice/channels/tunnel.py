"""The tunnel channel. It links; what the virtual network carries comes later.

It is older than the messages that all other channels have, and has none of them: no pings, no
acknowledgements, no migration. What a viewer says of its services is dropped.
"""

from __future__ import annotations

from redspice.channel import RedChannel
from redspice.channel_client import RedChannelClient
from redspice_protocol import CHANNELS

TUNNEL = CHANNELS["tunnel"]

# Data of a connection in pieces of the server's choice; a service has a name and a description.
MAX_MESSAGE_SIZE = 64 * 1024


class TunnelChannelClient(RedChannelClient):
    """The network of one viewer."""

    IGNORED = frozenset(TUNNEL.client.by_name)

    def leave(self) -> None:
        """Without a word, as there is none for it: the viewer goes with its other channels."""


class TunnelChannel(RedChannel[TunnelChannelClient]):
    """The channel to services near the viewer."""

    messages = TUNNEL
    max_message_size = MAX_MESSAGE_SIZE
    measure_latency = False
    allows_multiple = False
    client_class = TunnelChannelClient
