"""The doorstep: a flood begins a few in each turn of the loop, others do not wait behind it."""

from __future__ import annotations

import asyncio
import socket
import time

from redspice.aio import adopt
from redspice.aio.arrival import Arrival
from redspice.aio.doorstep import AT_ONCE, Doorstep
from redspice.limits import Limits
from redspice.suspects import Suspects
from runtime.scripted import ScriptedReds, run, soon, turns


class Guest(Arrival):
    """An arrival that only notes that it was started."""

    def __init__(self, network: str, started: list[Arrival]) -> None:
        self.network = network
        self._started = started

    def start(self) -> None:
        self._started.append(self)


def test_a_few_begin_in_each_turn_of_the_loop() -> None:
    async def main() -> None:
        started: list[Arrival] = []
        doorstep = Doorstep(Suspects(time.monotonic, lambda: 30.0))
        for _ in range(2 * AT_ONCE + 1):
            doorstep.enter(Guest("flood", started))
        counts = [len(started)]
        for _ in range(4):
            await asyncio.sleep(0)
            counts.append(len(started))
        assert counts == [0, AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1, 2 * AT_ONCE + 1]
        last = Guest("flood", started)
        doorstep.enter(last)
        await asyncio.sleep(0)
        assert started[-1] is last, "and it goes on when it was empty"

    run(main)


def test_who_comes_from_elsewhere_does_not_wait_behind_a_flood() -> None:
    async def main() -> None:
        started: list[Arrival] = []
        doorstep = Doorstep(Suspects(time.monotonic, lambda: 30.0))
        for _ in range(100):
            doorstep.enter(Guest("flood", started))
        newcomer = Guest("elsewhere", started)
        doorstep.enter(newcomer)
        await asyncio.sleep(0)
        assert newcomer in started

    run(main)


def test_suspects_begin_last() -> None:
    async def main() -> None:
        started: list[Arrival] = []
        suspects = Suspects(time.monotonic, lambda: 30.0)
        doorstep = Doorstep(suspects)
        suspects.failed("flood")
        for _ in range(AT_ONCE):
            doorstep.enter(Guest("flood", started))
        for _ in range(AT_ONCE - 1):
            doorstep.enter(Guest("elsewhere", started))
        await asyncio.sleep(0)
        assert [one.network for one in started] == [*["elsewhere"] * (AT_ONCE - 1), "flood"]

    run(main)


def test_who_has_left_is_not_started() -> None:
    async def main() -> None:
        started: list[Arrival] = []
        doorstep = Doorstep(Suspects(time.monotonic, lambda: 30.0))
        first, second = Guest("flood", started), Guest("flood", started)
        doorstep.enter(first)
        doorstep.enter(second)
        doorstep.leave(first)
        await turns()
        assert started == [second]
        doorstep.leave(second)

    run(main)


def test_a_socket_that_makes_way_before_its_turn_becomes_no_connection() -> None:
    async def main() -> None:
        reds = ScriptedReds(Limits(max_unlinked=1))
        reds.linked = False
        async with adopt(reds) as running:
            (dropped, gone), (kept, there) = socket.socketpair(), socket.socketpair()
            with gone, there:
                for ours in (dropped, kept):
                    running.add_client(ours)
                assert gone.recv(1) == b""
                assert dropped.fileno() == -1
                await turns()
                assert reds.made.qsize() == 1
                assert len(running._viewers) == 1

    run(main)


def test_a_server_that_closes_hangs_up_on_who_has_had_no_turn() -> None:
    async def main() -> None:
        reds = ScriptedReds()
        running = adopt(reds)
        ours, theirs = socket.socketpair()
        with theirs:
            running.add_client(ours)
            running.close()
            await soon(running.wait_closed())
            assert theirs.recv(1) == b""
        await turns()
        assert reds.made.empty()

    run(main)
