"""Which cursors a viewer remembers, as the server decides: the least recently shown goes first.

The viewer keeps what it is told to keep until it is told to drop it: its memory is ours to bound.
"""

from __future__ import annotations

# As many as the reference server has a viewer remember, and what the largest of them may sum up to:
# 256 cursors of 128x128, more than any desktop has, but not 256 of the largest, a gigabyte.
MAX_CURSORS = 256
MAX_BYTES = 16 * 1024 * 1024


class CursorCache:
    """What one viewer remembers."""

    def __init__(self) -> None:
        # Bytes by the `unique` of a shape, the one shown last at the end.
        self._sizes: dict[int, int] = {}
        self._bytes = 0

    def __contains__(self, unique: int) -> bool:
        return unique in self._sizes

    def __len__(self) -> int:
        return len(self._sizes)

    def use(self, unique: int, size: int) -> list[int]:
        """A shape is shown, of `size` bytes: returns what the viewer has to drop for it."""
        self._bytes += size - self._sizes.pop(unique, 0)
        self._sizes[unique] = size
        dropped = []
        while len(self._sizes) > MAX_CURSORS or self._bytes > MAX_BYTES:
            oldest = next(iter(self._sizes))
            self._bytes -= self._sizes.pop(oldest)
            dropped.append(oldest)
        return dropped

    def clear(self) -> None:
        """The viewer has dropped everything."""
        self._sizes.clear()
        self._bytes = 0
