from __future__ import annotations

import pytest

from redspice.ring import Ring, RingLink


def ring_of(*names: str) -> tuple[Ring[str], dict[str, RingLink[str]]]:
    ring: Ring[str] = Ring()
    links = {name: RingLink(name) for name in names}
    for link in reversed(links.values()):
        ring.insert(link)
    return ring, links


def test_the_newest_is_first() -> None:
    ring: Ring[str] = Ring()
    for name in ("first", "newer", "newest"):
        ring.insert(RingLink(name))
    assert list(ring) == ["newest", "newer", "first"]
    assert len(ring) == 3


def test_an_empty_ring_is_false() -> None:
    ring: Ring[str] = Ring()
    assert not ring
    assert list(ring) == []


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_any_member_leaves_and_comes_back(name: str) -> None:
    ring, links = ring_of("a", "b", "c")
    ring.remove(links[name])
    assert list(ring) == [other for other in "abc" if other != name]
    assert links[name].ring is None
    ring.insert(links[name])
    assert next(iter(ring)) == name
    assert len(ring) == 3


def test_members_may_leave_during_iteration() -> None:
    ring, links = ring_of("a", "b", "c", "d")
    visited = []
    for name in ring:
        visited.append(name)
        if name == "a":
            ring.remove(links["a"])
            ring.remove(links["b"])
    assert visited == ["a", "c", "d"]


def test_who_joins_during_iteration_is_not_visited() -> None:
    ring, _ = ring_of("a")
    visited = []
    for name in ring:
        visited.append(name)
        ring.insert(RingLink("late"))
    assert visited == ["a"]


def test_a_link_is_in_one_ring_only() -> None:
    ring, links = ring_of("a")
    other: Ring[str] = Ring()
    with pytest.raises(ValueError, match="in a ring already"):
        other.insert(links["a"])
    with pytest.raises(ValueError, match="not in this ring"):
        other.remove(links["a"])
    assert list(ring) == ["a"]
