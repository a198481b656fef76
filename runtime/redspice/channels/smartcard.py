"""The smartcard channel. It links and answers pings; readers and cards come later.

What a viewer says of its readers and cards is dropped, so the guest sees none.
"""

from __future__ import annotations

from redspice.channel import TRANSFER, RedChannel
from redspice.channel_client import RedChannelClient
from redspice.migration.data import SmartcardData
from redspice_protocol import CHANNELS, Buffer

SMARTCARD = CHANNELS["smartcard"]

# A header of 12 bytes and the longest command or answer of a card: 65536 bytes, header and status
# words of its own included.
MAX_MESSAGE_SIZE = 64 * 1024 + 64


class SmartcardChannelClient(RedChannelClient):
    """The card readers of one viewer."""

    IGNORED = frozenset({"data"})

    def save(self) -> bytes:
        return SmartcardData().build()

    def restore(self, data: Buffer) -> None:
        SmartcardData.parse(data)
        self.start()


class SmartcardChannel(RedChannel[SmartcardChannelClient]):
    """The channel of the guest's card reader."""

    messages = SMARTCARD
    max_message_size = MAX_MESSAGE_SIZE
    allows_multiple = False
    migration_flags = TRANSFER
    client_class = SmartcardChannelClient
