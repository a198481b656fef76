"""The loop that asyncio lends the core: clock, timers, jobs."""

from __future__ import annotations

import asyncio
import threading

import pytest

from redspice.aio import AsyncioCore
from redspice.jobs import Failed, attempt
from runtime.scripted import run, soon, turns


def test_timers_fire_once_and_can_be_moved_and_cancelled() -> None:
    async def main() -> None:
        core, fired = AsyncioCore(), []
        done = asyncio.Event()
        core.timer(lambda: fired.append("kept")).start(0)
        cancelled = core.timer(lambda: fired.append("cancelled"))
        cancelled.start(0)
        cancelled.cancel()
        cancelled.cancel()
        moved = core.timer(lambda: fired.append("moved"))
        moved.start(3600)
        moved.start(0)
        last = core.timer(done.set)
        last.start(0.01)
        await soon(done.wait())
        assert fired == ["kept", "moved"]
        done.clear()
        last.start(0)
        await soon(done.wait())

    run(main)


def test_the_clock_is_the_loops() -> None:
    async def main() -> None:
        core = AsyncioCore()
        assert core.now() <= asyncio.get_running_loop().time() <= core.now()

    run(main)


def test_jobs_run_in_another_thread_and_end_in_the_loop() -> None:
    async def main() -> None:
        threads: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
        AsyncioCore().run_job(
            threading.get_ident, lambda there: threads.set_result((there, threading.get_ident()))
        )
        there, here = await soon(threads)
        assert there != here == threading.get_ident()

    run(main)


def test_a_job_that_is_attempted_is_done_though_it_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> int:
        raise MemoryError("out of luck")

    async def main() -> None:
        outcome: asyncio.Future[int | Failed] = asyncio.get_running_loop().create_future()
        AsyncioCore().run_job(attempt(fail), outcome.set_result)
        failed = await soon(outcome)
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, MemoryError)
        assert not caplog.records, "who waits for it says what that means"

    run(main)


def test_a_job_that_comes_too_late_is_dropped() -> None:
    async def main() -> None:
        core = AsyncioCore()
        await asyncio.get_running_loop().shutdown_default_executor()
        core.run_job(list, lambda result: pytest.fail("done after the end"))
        await turns()

    run(main)


def test_a_job_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("out of luck")

    async def main() -> None:
        results: list[None] = []
        AsyncioCore().run_job(fail, results.append)
        while "out of luck" not in caplog.text:
            await asyncio.sleep(0)
        assert results == []

    run(main)
