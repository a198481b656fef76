"""The playback channel. It links and answers pings; sound comes later.

No sound is announced, so a viewer opens no device for it.
"""

from __future__ import annotations

from redspice.channel import RedChannel
from redspice.channel_client import RedChannelClient
from redspice_protocol import CHANNELS

PLAYBACK = CHANNELS["playback"]

# Viewers send nothing of their own here, only pongs and the like.
MAX_MESSAGE_SIZE = 1024


class PlaybackChannelClient(RedChannelClient):
    """The loudspeaker of one viewer."""


class PlaybackChannel(RedChannel[PlaybackChannelClient]):
    """The channel on which a sound device of the guest is heard."""

    messages = PLAYBACK
    max_message_size = MAX_MESSAGE_SIZE
    allows_multiple = False
    client_class = PlaybackChannelClient
