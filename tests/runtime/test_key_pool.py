from __future__ import annotations

import pytest

from redspice import key_pool
from redspice.key_pool import MODULUS_LIFETIME, RETRY, KeyPool, KeyRequest
from redspice.ticket_key import Modulus, TicketKey
from runtime.fake_core import FakeCore
from runtime.peer import Peer


class CheapModulus(Modulus):
    """One that has no primes, and counts its keys."""

    def __init__(self) -> None:
        self.keys: list[TicketKey] = []
        self.most_keys = 100

    @property
    def spent(self) -> bool:
        return len(self.keys) >= self.most_keys

    def new_key(self) -> TicketKey:
        self.keys.append(TicketKey(self, len(self.keys)))
        return self.keys[-1]


def ticket_for(key: TicketKey) -> bytes:
    return Peer.encrypt(key.public_bytes(), "secret")


def fail() -> Modulus:
    raise MemoryError("out of luck")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[CheapModulus]:
    """Every modulus that was made."""
    made: list[CheapModulus] = []

    def make() -> CheapModulus:
        made.append(CheapModulus())
        return made[-1]

    monkeypatch.setattr(key_pool, "Modulus", make)
    return made


@pytest.fixture
def pool(core: FakeCore, made: list[CheapModulus]) -> KeyPool:
    pool = KeyPool()
    pool.start(core)
    return pool


class Link:
    """A link that has asked for a key."""

    def __init__(self, pool: KeyPool, *, shared: bool = False) -> None:
        self.key: TicketKey | None = None
        self.request: KeyRequest = pool.request(shared=shared, deliver=self.deliver)

    def deliver(self, key: TicketKey) -> None:
        assert self.key is None
        self.key = key


def test_one_modulus_is_made_ahead_in_the_background(
    pool: KeyPool, core: FakeCore, made: list[CheapModulus]
) -> None:
    assert (len(made), len(core.jobs)) == (0, 1)
    core.do_jobs()
    assert len(made) == 1
    Link(pool)
    core.do_jobs()
    assert len(made) == 2
    core.advance(10 * MODULUS_LIFETIME)
    assert not core.jobs
    assert core.armed == 0, "it asks for nothing while nobody comes"


def test_every_link_has_a_key_of_its_own_at_once(
    pool: KeyPool, core: FakeCore, made: list[CheapModulus]
) -> None:
    core.do_jobs()
    links = [Link(pool, shared=n == 3) for n in range(50)]
    assert [link.key for link in links] == made[0].keys
    assert pool.waiting == 0


def test_links_that_come_before_the_first_modulus_wait_in_their_order(
    pool: KeyPool, core: FakeCore, made: list[CheapModulus]
) -> None:
    links = [Link(pool) for _ in range(3)]
    assert [link.key for link in links] == [None] * 3
    assert (pool.waiting, len(made)) == (3, 0), "none is made in the loop"
    core.jobs.popleft()()
    assert [link.key for link in links] == made[0].keys
    assert pool.waiting == 0


def test_a_modulus_is_replaced_in_time(
    pool: KeyPool, core: FakeCore, made: list[CheapModulus]
) -> None:
    core.do_jobs()
    core.advance(10 * MODULUS_LIFETIME)
    Link(pool)
    core.advance(MODULUS_LIFETIME - 1)
    core.do_jobs()
    Link(pool)
    core.advance(1)
    Link(pool)
    core.do_jobs()
    assert [len(modulus.keys) for modulus in made] == [2, 1, 0], "its time begins with its first"
    assert MODULUS_LIFETIME == 60


def test_nobody_waits_because_a_modulus_is_old(
    pool: KeyPool, core: FakeCore, made: list[CheapModulus]
) -> None:
    core.jobs.popleft()()
    Link(pool)
    core.advance(10 * MODULUS_LIFETIME)
    assert Link(pool).key is not None
    core.do_jobs()
    assert Link(pool).key is not None
    core.do_jobs()
    assert [len(modulus.keys) for modulus in made] == [2, 1, 0]


def test_a_modulus_that_is_spent_is_replaced_before_its_time(
    pool: KeyPool, core: FakeCore, made: list[CheapModulus]
) -> None:
    core.do_jobs()
    most = made[0].most_keys
    links = [Link(pool) for _ in range(most + 2)]
    assert [links.index(link) for link in links if link.key is None] == [most, most + 1]
    core.do_jobs()
    assert [len(modulus.keys) for modulus in made] == [most, 2, 0]
    assert all(link.key is not None for link in links)


def test_a_modulus_that_cannot_be_made_is_tried_again_later(
    core: FakeCore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pool = KeyPool()
    with monkeypatch.context() as broken:
        broken.setattr(key_pool, "Modulus", fail)
        pool.start(core)
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
    assert RETRY == 1


def test_a_link_that_ends_waits_no_longer(
    pool: KeyPool, core: FakeCore, made: list[CheapModulus]
) -> None:
    first, second = Link(pool), Link(pool)
    first.request.cancel()
    first.request.cancel()
    assert pool.waiting == 1
    core.do_jobs()
    assert (first.key, second.key) == (None, made[0].keys[0])


@pytest.mark.parametrize("shared", [True, False])
def test_a_link_that_is_served_may_end_the_next(
    pool: KeyPool, core: FakeCore, shared: bool
) -> None:
    served: list[str] = []
    requests: list[KeyRequest] = []

    def deliver(key: TicketKey) -> None:
        served.append("first")
        requests[1].cancel()

    requests.append(pool.request(shared=shared, deliver=deliver))
    requests.append(pool.request(shared=shared, deliver=lambda key: served.append("second")))
    core.do_jobs()
    assert served == ["first"]


def test_links_that_share_a_key_share_no_other(
    pool: KeyPool, core: FakeCore, made: list[CheapModulus]
) -> None:
    waiting = [Link(pool, shared=True) for _ in range(100)]
    core.do_jobs()
    own = Link(pool).key
    assert {link.key for link in waiting} == {made[0].keys[0]}
    assert own is made[0].keys[1]
    assert Link(pool, shared=True).key is made[0].keys[0]


def test_the_shared_key_goes_with_its_modulus(pool: KeyPool, core: FakeCore) -> None:
    core.do_jobs()
    first = Link(pool, shared=True).key
    core.do_jobs()
    core.advance(MODULUS_LIFETIME - 1)
    assert Link(pool, shared=True).key is first
    core.advance(1)
    assert Link(pool, shared=True).key not in (None, first)


def test_shared_keys_stay_until_they_are_retired_whatever_their_modulus(core: FakeCore) -> None:
    pool = KeyPool()
    pool.start(core)
    pool.retire_shared()
    core.do_jobs()
    old, own = Link(pool, shared=True).key, Link(pool).key
    core.do_jobs()
    core.advance(MODULUS_LIFETIME)
    new = Link(pool, shared=True).key
    assert old is not None
    assert own is not None
    assert new not in (None, old)
    tickets = {key: ticket_for(key) for key in (old, own, new)}
    assert [key.decrypt(ticket) for key, ticket in tickets.items()] == [b"secret"] * 3
    pool.retire_shared()
    assert [key.decrypt(ticket) for key, ticket in tickets.items()] == [None, b"secret", None]
    assert Link(pool, shared=True).key not in tickets


def test_who_waits_for_a_shared_key_gets_its_own_once_a_password_counts(
    pool: KeyPool, core: FakeCore
) -> None:
    waiting = [Link(pool, shared=True) for _ in range(2)]
    pool.retire_shared()
    core.do_jobs()
    assert len({link.key for link in waiting} | {Link(pool, shared=True).key}) == 3


def test_a_pool_that_has_no_core_yet_keeps_links_waiting(
    core: FakeCore, made: list[CheapModulus]
) -> None:
    pool = KeyPool()
    links = [Link(pool), Link(pool, shared=True)]
    assert pool.waiting == 2
    pool.start(core)
    core.do_jobs()
    assert all(link.key is not None for link in links)
