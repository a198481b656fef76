from __future__ import annotations

import pytest

from redspice import key_pool
from redspice.key_pool import POOL_SIZE, KeyPool
from redspice.ticket import TicketKey
from runtime.fake_core import FakeCore


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[TicketKey]:
    """Every key that was made; they cost nothing."""
    keys: list[TicketKey] = []

    class CheapKey(TicketKey):
        def __init__(self) -> None:
            self._retired = False
            keys.append(self)

    monkeypatch.setattr(key_pool, "TicketKey", CheapKey)
    return keys


@pytest.fixture
def pool(core: FakeCore, made: list[TicketKey]) -> KeyPool:
    pool = KeyPool()
    pool.start(core)
    return pool


def test_keys_are_made_one_by_one_in_the_background(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    assert (len(made), len(core.jobs)) == (0, 1)
    core.jobs.popleft()()
    assert (len(made), len(core.jobs)) == (1, 1)
    core.do_jobs()
    assert len(made) == len(pool) == POOL_SIZE


def test_a_key_that_is_taken_is_replaced(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    core.do_jobs()
    assert pool.take() is made[0]
    assert len(core.jobs) == 1
    assert pool.take() is made[1]
    assert len(core.jobs) == 1, "one is made at a time"
    core.do_jobs()
    assert len(pool) == POOL_SIZE
    assert len(made) == POOL_SIZE + 2


def test_an_empty_pool_makes_a_key_on_the_spot(pool: KeyPool, made: list[TicketKey]) -> None:
    taken = [pool.take() for _ in range(3)]
    assert taken == made
    assert len(set(map(id, taken))) == 3


def test_no_key_is_given_out_twice(pool: KeyPool, core: FakeCore) -> None:
    keys = [pool.shared()]
    for n in range(3 * POOL_SIZE):
        if n % 5 == 0:
            core.do_jobs()
        keys.append(pool.take())
    assert len(set(map(id, keys))) == len(keys)


def test_the_shared_key_stays_until_it_is_retired(pool: KeyPool) -> None:
    pool.retire_shared()
    first = pool.shared()
    assert pool.shared() is first
    pool.retire_shared()
    assert first.decrypt(bytes(128)) is None
    assert pool.shared() is not first
