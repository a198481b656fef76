"""Statistics: what a server counts, a snapshot of it, and the file by which others watch it.

`RedsState.stats.snapshot()` is the way in. Here is no clock, no file and no network: the file and
the page for Prometheus are opened by `redspice.aio`.
"""

from redspice.stats.collect import Statistics
from redspice.stats.encodings import Encodings
from redspice.stats.publisher import StatPublisher
from redspice.stats.snapshot import (
    ChannelStats,
    ClientStats,
    ConnectionStats,
    EncodingStats,
    ServerStats,
)
from redspice.stats.stat_file import StatFile
from redspice.stats.stat_tree import StatNode, parse
from redspice.stats.tally import Tally

__all__ = [
    "ChannelStats",
    "ClientStats",
    "ConnectionStats",
    "EncodingStats",
    "Encodings",
    "ServerStats",
    "StatFile",
    "StatNode",
    "StatPublisher",
    "Statistics",
    "Tally",
    "parse",
]
