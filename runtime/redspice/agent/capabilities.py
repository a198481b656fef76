"""What an agent, or a viewer that talks to one, can do; and what the server adds to it.

Both announce a set of capabilities to each other in ANNOUNCE_CAPABILITIES. The server reads along,
and where its operator has turned file transfers off it sets the bit that says so in what the agent
announces: viewers then do not offer them. A clipboard that is turned off needs no such bit.
"""

from __future__ import annotations

from enum import IntEnum

from redspice.caps import WORD_BITS


class AgentCap(IntEnum):
    """Numbers of capabilities, for `redspice.caps.Capabilities`."""

    MOUSE_STATE = 0
    MONITORS_CONFIG = 1
    REPLY = 2
    CLIPBOARD = 3
    DISPLAY_CONFIG = 4
    CLIPBOARD_BY_DEMAND = 5
    CLIPBOARD_SELECTION = 6
    SPARSE_MONITORS_CONFIG = 7
    GUEST_LINEEND_LF = 8
    GUEST_LINEEND_CRLF = 9
    MAX_CLIPBOARD = 10
    AUDIO_VOLUME_SYNC = 11
    MONITORS_CONFIG_POSITION = 12
    FILE_XFER_DISABLED = 13
    FILE_XFER_DETAILED_ERRORS = 14
    GRAPHICS_DEVICE_INFO = 15
    CLIPBOARD_NO_RELEASE_ON_REGRAB = 16
    CLIPBOARD_GRAB_SERIAL = 17


def with_cap(words: list[int], cap: int) -> list[int]:
    """Words of capabilities with one more; those that are there stay as they are."""
    index, bit = divmod(cap, WORD_BITS)
    changed = words + [0] * (index + 1 - len(words))
    changed[index] |= 1 << bit
    return changed
