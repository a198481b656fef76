"""The record channel. It links and answers pings; sound comes later.

Nothing asks a viewer to record; what it says all the same is dropped.
"""

from __future__ import annotations

from redspice.channel import RedChannel
from redspice.channel_client import RedChannelClient
from redspice_protocol import CHANNELS

RECORD = CHANNELS["record"]

# A tenth of a second of the best sound that there is (48000 samples, two channels, 16 bits) is
# less; viewers send a hundredth at a time.
MAX_MESSAGE_SIZE = 32 * 1024


class RecordChannelClient(RedChannelClient):
    """The microphone of one viewer."""

    IGNORED = frozenset({"data", "mode", "start_mark"})


class RecordChannel(RedChannel[RecordChannelClient]):
    """The channel on which a sound device of the guest hears."""

    messages = RECORD
    max_message_size = MAX_MESSAGE_SIZE
    allows_multiple = False
    client_class = RecordChannelClient
