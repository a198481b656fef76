"""The statistics file of a process: it is there while it is kept, and touches nobody else's."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from redspice.aio import AsyncioCore, stat_file
from redspice.aio.stat_file import stat_path
from redspice.errors import ConfigurationError
from redspice.reds import RedsState
from redspice.stats import parse


def in_loop(check: Callable[[RedsState, str], None], path: Path) -> None:
    """Call `check` while a server keeps its statistics in a file at `path`."""

    async def program() -> None:
        reds = RedsState()
        reds.init(AsyncioCore())
        async with stat_file(reds, str(path)) as name:
            check(reds, name)

    asyncio.run(program())


def test_a_process_has_one_file_by_its_number() -> None:
    assert stat_path(4711) == "/dev/shm/spice.4711"


def test_the_file_is_there_while_it_is_kept_and_gone_then(tmp_path: Path) -> None:
    path = tmp_path / "spice.1"

    def check(reds: RedsState, name: str) -> None:
        assert name == str(path)
        assert path.stat().st_size == 4024
        assert path.stat().st_mode & 0o777 == 0o600
        names = [node.name for node in parse(path.read_bytes())]
        assert names == ["clients", "inputs:0", "main:0", "refused"]

    in_loop(check, path)
    assert not path.exists()


def test_a_file_that_somebody_removed_is_no_trouble_in_the_end(tmp_path: Path) -> None:
    in_loop(lambda reds, name: Path(name).unlink(), tmp_path / "spice.1")


def test_a_file_that_was_left_behind_is_replaced_and_not_written_to(tmp_path: Path) -> None:
    left, path = tmp_path / "left", tmp_path / "spice.1"
    left.write_bytes(b"left behind")
    os.link(left, path)

    def check(reds: RedsState, name: str) -> None:
        assert left.read_bytes() == b"left behind"
        assert path.read_bytes()[12:16] != bytes(4)

    in_loop(check, path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "spice.1"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    in_loop(lambda reds, name: None, path)
    assert victim.read_bytes() == b"precious"


def test_a_file_that_cannot_be_made_says_where_and_why(tmp_path: Path) -> None:
    path = tmp_path / "none" / "spice.1"
    with pytest.raises(ConfigurationError, match=rf"statistics file {path}: No such file"):
        in_loop(lambda reds, name: None, path)


def test_memory_that_is_full_is_said_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    path = tmp_path / "spice.1"
    with pytest.raises(ConfigurationError, match=rf"statistics file {path}: No space left"):
        in_loop(lambda reds, name: None, path)
    assert not path.exists()


def test_the_file_is_gone_also_after_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "spice.1"

    def fail(reds: RedsState, name: str) -> None:
        raise LookupError(name)

    with pytest.raises(LookupError):
        in_loop(fail, path)
    assert not path.exists()
