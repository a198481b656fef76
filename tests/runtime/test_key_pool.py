from __future__ import annotations

import pytest

from redspice import key_pool
from redspice.key_pool import (
    BREATH,
    PAUSE,
    POOL_SIZE,
    READY,
    RETRY,
    SHARED_KEY_LIFETIME,
    KeyPool,
    KeyRequest,
)
from redspice.limits import DEFAULT_LIMITS
from redspice.suspects import Suspects
from redspice.ticket import TicketKey
from runtime.fake_core import FakeCore

KEY_SECONDS = 0.015
"""What a key takes where it has a processor of its own."""


def fail() -> TicketKey:
    raise MemoryError("out of luck")


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
def suspects(core: FakeCore) -> Suspects:
    return Suspects(core.now, lambda: 30.0)


@pytest.fixture
def pool(core: FakeCore, made: list[TicketKey], suspects: Suspects) -> KeyPool:
    pool = KeyPool(suspects)
    pool.start(core)
    return pool


class Link:
    """A link that has asked for a key."""

    def __init__(self, pool: KeyPool, *, shared: bool = False, network: str | None = None) -> None:
        self.key: TicketKey | None = None
        self.request: KeyRequest = pool.request(
            shared=shared, deliver=self.deliver, network=network
        )

    def deliver(self, key: TicketKey) -> None:
        assert self.key is None
        self.key = key


def test_keys_are_made_one_by_one_in_the_background(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    assert (len(made), len(core.jobs)) == (0, 1)
    core.jobs.popleft()()
    assert (len(made), len(core.jobs)) == (1, 1)
    core.do_jobs()
    assert len(made) == len(pool) == READY


def test_more_keys_are_made_now_and_then(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    core.do_jobs()
    for count in range(READY + 1, POOL_SIZE + 1):
        core.advance(PAUSE - 0.01)
        assert not core.jobs
        core.advance(0.01)
        core.do_jobs()
        assert len(pool) == count
    core.advance(60)
    assert not core.jobs
    assert core.armed == 0, "a full pool asks for nothing"


def test_what_is_ready_is_kept_for_others_than_suspects(
    pool: KeyPool, core: FakeCore, suspects: Suspects
) -> None:
    core.do_jobs()
    suspects.failed("flood")
    flood = [Link(pool, network="flood") for _ in range(3)]
    assert [link.key for link in flood] == [None] * 3
    assert Link(pool, network="elsewhere").key is not None


def test_for_suspects_alone_keys_are_made_half_of_the_time(
    pool: KeyPool, core: FakeCore, suspects: Suspects
) -> None:
    core.do_jobs()
    suspects.failed("flood")
    flood = [Link(pool, network="flood") for _ in range(3)]
    for served in range(3):
        assert not core.jobs
        core.advance(KEY_SECONDS if served else BREATH)
        (job,) = core.jobs
        core.advance(KEY_SECONDS)
        core.jobs.clear()
        job()
        assert [link.key is not None for link in flood] == [True] * (served + 1) + [False] * (
            2 - served
        )
    assert pool.waiting == 0


def test_others_do_not_wait_for_the_breath_between_keys_for_suspects(
    pool: KeyPool, core: FakeCore, suspects: Suspects
) -> None:
    suspects.failed("flood")
    core.do_jobs()
    flood = Link(pool, network="flood")
    assert not core.jobs
    assert Link(pool, network="elsewhere").key is not None
    core.jobs.popleft()()
    assert (flood.key, len(pool), len(core.jobs)) == (None, READY, 0)
    core.advance(BREATH)
    core.do_jobs()
    assert flood.key is not None


def test_more_keys_than_are_kept_go_to_suspects_at_once(
    pool: KeyPool, core: FakeCore, suspects: Suspects
) -> None:
    core.do_jobs()
    core.advance(PAUSE)
    core.do_jobs()
    suspects.failed("flood")
    flood = [Link(pool, network="flood") for _ in range(2)]
    assert [link.key is not None for link in flood] == [True, False]


def test_a_key_that_is_taken_is_replaced(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    core.do_jobs()
    assert [Link(pool).key, Link(pool).key] == made[:2]
    assert len(core.jobs) == 1
    core.do_jobs()
    assert len(pool) == READY
    assert len(made) == READY + 2


def test_an_empty_pool_lets_links_wait_in_their_order(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    links = [Link(pool) for _ in range(3)]
    assert [link.key for link in links] == [None] * 3
    assert made == [], "no key is made in the loop"
    for count in range(1, 4):
        core.jobs.popleft()()
        assert [link.key for link in links] == [*made, *[None] * (3 - count)]
    assert pool.waiting == 0


def test_keys_are_made_one_after_another_while_links_wait(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    links = [Link(pool) for _ in range(READY)]
    assert len(core.jobs) == 1
    core.do_jobs()
    assert [link.key for link in links] == made[: len(links)]
    assert len(pool) == READY


def test_who_waits_ends_the_pause(pool: KeyPool, core: FakeCore, made: list[TicketKey]) -> None:
    core.do_jobs()
    links = [Link(pool) for _ in range(READY + 1)]
    assert links[-1].key is None
    core.do_jobs()
    assert links[-1].key is made[READY]


def test_a_link_from_elsewhere_gets_one_of_the_next_two_keys(pool: KeyPool, core: FakeCore) -> None:
    flood = [Link(pool, network="flood") for _ in range(100)]
    core.jobs.popleft()()
    assert flood[0].key is not None
    newcomer = Link(pool, network="elsewhere")
    core.jobs.popleft()()
    core.jobs.popleft()()
    assert newcomer.key is not None


def test_the_last_of_all_that_may_wait_has_a_key_before_its_deadline(
    pool: KeyPool, core: FakeCore
) -> None:
    most = DEFAULT_LIMITS.max_unlinked
    crowd = [Link(pool, network=f"{n}") for n in range(most)]
    unlucky = crowd[-2]
    keys = 0
    while unlucky.key is None:
        keys += 1
        core.jobs.popleft()()
        crowd.append(Link(pool, network=f"newer {keys}"))  # which is served before it
    assert most < keys <= 2 * most
    assert keys * KEY_SECONDS < DEFAULT_LIMITS.link_timeout


def test_a_key_that_cannot_be_made_is_tried_again_later(
    pool: KeyPool, core: FakeCore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(key_pool, "TicketKey", fail)
        core.do_jobs()
        waiting = [Link(pool) for _ in range(3)]
        assert not core.jobs, "not again at once, however many ask"
        core.advance(RETRY - 0.01)
        assert not core.jobs
        core.advance(0.01)
        core.do_jobs()
    assert [record.message for record in caplog.records] == ["no key can be made"] * 2
    assert "out of luck" in caplog.text
    core.advance(RETRY)
    core.do_jobs()
    assert all(link.key is not None for link in waiting)
    assert len(pool) == READY


def test_a_failure_while_nobody_waits_ends_nothing(
    pool: KeyPool, core: FakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    core.do_jobs()
    with monkeypatch.context() as broken:
        broken.setattr(key_pool, "TicketKey", fail)
        core.advance(PAUSE)
        core.do_jobs()
    core.advance(RETRY)
    core.do_jobs()
    assert len(pool) == READY + 1
    core.advance(PAUSE)
    core.do_jobs()
    assert len(pool) == READY + 2


def test_a_link_that_ends_leaves_the_queue(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    first, second, third = (Link(pool) for _ in range(3))
    first.request.cancel()
    core.jobs.popleft()()
    assert (first.key, second.key) == (None, made[0])
    second.request.cancel()
    third.request.cancel()
    third.request.cancel()
    core.do_jobs()
    assert third.key is None
    assert (pool.waiting, len(pool)) == (0, READY)


def test_a_link_that_is_served_may_end_the_next(pool: KeyPool, core: FakeCore) -> None:
    served: list[str] = []
    requests: list[KeyRequest] = []

    def deliver(key: TicketKey) -> None:
        served.append("first")
        requests[1].cancel()

    requests.append(pool.request(shared=True, deliver=deliver))
    requests.append(pool.request(shared=True, deliver=lambda key: served.append("second")))
    core.do_jobs()
    assert served == ["first"]


def test_no_key_of_one_link_is_given_out_twice(pool: KeyPool, core: FakeCore) -> None:
    links = [Link(pool, shared=True)]
    for n in range(3 * POOL_SIZE):
        if n % 5 == 0:
            core.do_jobs()
        links.append(Link(pool))
    core.do_jobs()
    keys = {id(link.key) for link in links if link.key is not None}
    assert len(keys) == len(links)


def test_links_that_share_a_key_come_all_at_once(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    waiting = [Link(pool, shared=True) for _ in range(100)]
    core.jobs.popleft()()
    assert {id(link.key) for link in waiting} == {id(made[0])}
    assert Link(pool, shared=True).key is made[0]


def test_the_shared_key_is_replaced_in_time(
    pool: KeyPool, core: FakeCore, made: list[TicketKey]
) -> None:
    core.do_jobs()
    first = Link(pool, shared=True).key
    core.advance(SHARED_KEY_LIFETIME - 1)
    assert Link(pool, shared=True).key is first
    core.advance(1)
    second = Link(pool, shared=True).key
    assert second not in (None, first)
    core.advance(SHARED_KEY_LIFETIME - 1)
    assert Link(pool, shared=True).key is second
    assert SHARED_KEY_LIFETIME == 60


def test_nobody_waits_because_the_shared_key_is_old(pool: KeyPool, core: FakeCore) -> None:
    core.jobs.popleft()()
    old = Link(pool, shared=True).key
    assert old is not None
    core.advance(10 * SHARED_KEY_LIFETIME)
    assert len(pool) == 0
    assert Link(pool, shared=True).key is old
    core.do_jobs()
    assert Link(pool, shared=True).key is not old


def test_the_shared_key_stays_until_it_is_retired(pool: KeyPool, core: FakeCore) -> None:
    pool.retire_shared()
    core.do_jobs()
    first = Link(pool, shared=True).key
    assert first is not None
    pool.retire_shared()
    assert first.decrypt(bytes(128)) is None
    assert Link(pool, shared=True).key is not first


def test_a_pool_that_has_no_core_yet_keeps_links_waiting(
    core: FakeCore, suspects: Suspects
) -> None:
    pool = KeyPool(suspects)
    links = [Link(pool), Link(pool, shared=True)]
    assert pool.waiting == 2
    pool.start(core)
    core.do_jobs()
    assert all(link.key is not None for link in links)
