"""WAIT_FOR_CHANNELS: what a viewer has to process on other channels before it goes on with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from redspice.errors import ConfigurationError
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgWaitForChannels
from redspice_protocol.structs import ChannelWait

if TYPE_CHECKING:
    from redspice.channel_client import RedChannelClient

WAIT_FOR_CHANNELS = CHANNELS["main"].server.by_name["wait_for_channels"]

# The number of messages to wait for travels as one byte.
MAX_WAITS = 255


def wait_item(waits: Mapping[RedChannelClient, int]) -> PipeItem:
    """A message that suspends its channel until the viewer has processed, on each other channel,
    the message with that serial.

    Only what was sent already may be waited for, so no two channels ever wait for each other.
    Raises `ConfigurationError` for other serials, and for more than 255 channels.
    """
    if len(waits) > MAX_WAITS:
        raise ConfigurationError(f"{len(waits)} channels are too many to wait for")
    for other, serial in waits.items():
        if not 0 < serial <= other.serial:
            raise ConfigurationError(f"{other.name} has sent no message {serial} to wait for")
    wait_list = [
        ChannelWait(other.channel.type, other.channel.id, serial) for other, serial in waits.items()
    ]
    return PipeItem(WAIT_FOR_CHANNELS, MsgWaitForChannels(wait_list))
