"""What one channel has encoded: how often each encoding was used, how long it took, what it saved.

Jobs may encode in threads, so whoever runs them measures there and counts here in the loop.
"""

from __future__ import annotations

from dataclasses import replace

from redspice.stats.snapshot import EncodingStats


class Encodings:
    """The counts of one channel, by the name of the encoding."""

    def __init__(self) -> None:
        self._counts: dict[str, EncodingStats] = {}

    def add(self, encoding: str, seconds: float, in_bytes: int, out_bytes: int) -> None:
        """`in_bytes` became `out_bytes` in this time."""
        counts = self._counts.get(encoding)
        if counts is None:
            counts = self._counts[encoding] = EncodingStats(encoding)
        counts.seconds.add(seconds)
        counts.in_bytes += in_bytes
        counts.out_bytes += out_bytes

    def snapshot(self) -> tuple[EncodingStats, ...]:
        """The counts as they are now, sorted by name."""
        return tuple(
            replace(counts, seconds=replace(counts.seconds))
            for _, counts in sorted(self._counts.items())
        )
