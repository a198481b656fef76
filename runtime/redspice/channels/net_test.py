"""The net test: three pings that tell latency and bitrate of a new viewer.

The first warms the connection up, the second gives the latency, the third carries 250 KiB and gives
the bitrate. An answer that is missing, or comes out of turn, ends the test without a result.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice.pings import Pings
    from redspice.pipe import PipeItem

PING_SIZES = (0, 0, 250 * 1024)
LATENCY_PING, BITRATE_PING = 1, 2


class NetTest:
    """One run of the test; what it finds is written to the viewer's `latency` and `bitrate`."""

    def __init__(self, client: RedClient, pings: Pings) -> None:
        self._client = client
        self._pings = pings
        self._next = 0

    def items(self) -> list[PipeItem]:
        """The pings, in order."""
        return [
            self._pings.item(partial(self._answered, number), size)
            for number, size in enumerate(PING_SIZES)
        ]

    def _answered(self, number: int, round_trip: float) -> None:
        if number != self._next:
            return
        self._next += 1
        if number == LATENCY_PING:
            self._client.latency = round_trip
        elif number == BITRATE_PING and self._client.latency is not None:
            transfer = round_trip - self._client.latency
            if transfer > 0:
                self._client.bitrate = PING_SIZES[number] * 8 / transfer
