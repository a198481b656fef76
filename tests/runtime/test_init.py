"""Which cores a server begins with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from redspice.errors import ConfigurationError, InterfaceVersionError
from redspice.interfaces import VERSIONS, CoreInterface, KeyboardInterface, Timer
from redspice.reds import RedsState
from runtime.fake_core import FakeCore


class NoTimer:
    def start(self, delay: float) -> None:
        pass

    def cancel(self) -> None:
        pass


class LeastCore(CoreInterface):
    """Nothing but what it must have; time stands still."""

    def now(self) -> float:
        return 0.0

    def timer(self, callback: Callable[[], None]) -> Timer:
        return NoTimer()

    def run_job(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        pass


class LaterCore(FakeCore):
    wants: ClassVar = {"core": (VERSIONS["core"].major, VERSIONS["core"].minor + 1)}


class EarlierCore(FakeCore):
    wants: ClassVar = {"core": (VERSIONS["core"].major, 0)}


@pytest.mark.parametrize("core", [None, object(), KeyboardInterface()])
def test_what_is_no_core_is_refused(core: Any) -> None:
    reds = RedsState()
    with pytest.raises(ConfigurationError, match=f"{type(core).__name__} is not a core interface"):
        reds.init(core)
    assert len(reds.channels) == 0
    reds.init(FakeCore())


def test_a_core_that_wants_a_later_version_is_refused() -> None:
    reds = RedsState()
    with pytest.raises(InterfaceVersionError, match="interface core"):
        reds.init(LaterCore())
    reds.init(EarlierCore())


def test_the_least_core_is_enough() -> None:
    reds = RedsState()
    reds.init(LeastCore())
    assert [channel.name for channel in reds.channels] == ["inputs:0", "main:0"]
    reds.shutdown()
