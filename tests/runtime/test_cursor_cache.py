from __future__ import annotations

import pytest

from redspice.channels.cursor_cache import MAX_BYTES, MAX_CURSORS, CursorCache


@pytest.fixture
def cache() -> CursorCache:
    return CursorCache()


def test_what_was_used_is_remembered(cache: CursorCache) -> None:
    assert 1 not in cache
    assert cache.use(1, 100) == []
    assert 1 in cache
    assert cache.use(1, 100) == []
    assert len(cache) == 1


def test_the_least_recently_used_goes_first(cache: CursorCache) -> None:
    for unique in range(1, MAX_CURSORS + 1):
        assert cache.use(unique, 4) == []
    cache.use(1, 4)
    assert cache.use(1000, 4) == [2]
    assert cache.use(1001, 4) == [3]
    assert 1 in cache
    assert 2 not in cache
    assert len(cache) == MAX_CURSORS


def test_large_cursors_leave_room_for_few(cache: CursorCache) -> None:
    quarter = MAX_BYTES // 4
    for unique in range(1, 5):
        assert cache.use(unique, quarter) == []
        assert cache.use(unique, quarter) == [], "used again it takes no more room"
    assert cache.use(5, 1) == [1]
    assert cache.use(6, quarter) == [2]
    assert cache.use(7, 2 * quarter) == [3, 4]


def test_nothing_is_remembered_once_it_is_cleared(cache: CursorCache) -> None:
    cache.use(1, MAX_BYTES)
    cache.clear()
    assert len(cache) == 0
    assert cache.use(2, MAX_BYTES) == []
