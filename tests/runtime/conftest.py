"""A server that lets viewers with the right password in."""

from __future__ import annotations

import pytest

from redspice.reds import RedsState
from redspice.ticket_key import Modulus
from runtime.fake_core import FakeCore
from runtime.peer import PASSWORD


@pytest.fixture
def core() -> FakeCore:
    return FakeCore()


@pytest.fixture
def reds(core: FakeCore) -> RedsState:
    reds = RedsState()
    reds.init(core)
    reds.set_ticket(PASSWORD)
    return reds


@pytest.fixture(scope="session")
def modulus() -> Modulus:
    return Modulus()


@pytest.fixture
def one_modulus(modulus: Modulus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all servers of a test share a modulus, as making hundreds of them takes long."""
    monkeypatch.setattr("redspice.key_pool.Modulus", lambda: modulus)
