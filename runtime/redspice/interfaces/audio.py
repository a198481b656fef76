"""The guest's sound: what it plays and what it records.

The channels register and link; their streams come later.
"""

from __future__ import annotations

from redspice.interfaces.base import Interface


class PlaybackInterface(Interface):
    """A sound device whose output viewers hear; becomes a playback channel."""


class RecordInterface(Interface):
    """A sound device that hears what viewers say; becomes a record channel."""
