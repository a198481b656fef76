"""A ring: the doubly linked list in which a server keeps its channels and a channel its clients.

A member holds its own `RingLink`, so it leaves the ring in constant time without being searched
for. The ring itself is one more link, the sentinel, which has no owner. A link is in at most one
ring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

Member = TypeVar("Member")


class RingLink(Generic[Member]):
    """What a member of a ring holds. `ring` is None while it is in none."""

    __slots__ = ("newer", "older", "owner", "ring")

    def __init__(self, owner: Member | None) -> None:
        self.owner = owner
        self.ring: Ring[Member] | None = None
        self.newer: RingLink[Member] = self
        self.older: RingLink[Member] = self


class Ring(Generic[Member]):
    """A ring of members, iterated from the newest to the oldest."""

    __slots__ = ("_length", "_sentinel")

    def __init__(self) -> None:
        self._sentinel: RingLink[Member] = RingLink(None)
        self._length = 0

    def insert(self, link: RingLink[Member]) -> None:
        """Put a member in front. Raises `ValueError` if it is in a ring already."""
        if link.ring is not None:
            raise ValueError("the link is in a ring already")
        first = self._sentinel.older
        link.newer, link.older = self._sentinel, first
        self._sentinel.older = first.newer = link
        link.ring = self
        self._length += 1

    def remove(self, link: RingLink[Member]) -> None:
        """Take a member out. Raises `ValueError` if it is not in this ring."""
        if link.ring is not self:
            raise ValueError("the link is not in this ring")
        link.newer.older = link.older
        link.older.newer = link.newer
        link.newer = link.older = link
        link.ring = None
        self._length -= 1

    def __iter__(self) -> Iterator[Member]:
        """All members; whoever leaves meanwhile is skipped, whoever joins is not visited."""
        links = []
        link = self._sentinel.older
        while link is not self._sentinel:
            links.append(link)
            link = link.older
        for link in links:
            if link.ring is self and link.owner is not None:
                yield link.owner

    def __len__(self) -> int:
        return self._length
