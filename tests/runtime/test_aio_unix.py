"""Unix sockets: whose file is replaced, kept and removed, and those without a file."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path

import pytest

from redspice.aio import serve
from redspice.aio.unix import UnixListener
from runtime.scripted import ScriptedReds, connect, run, soon


def test_the_socket_file_is_removed_at_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(ScriptedReds(), unix=tmp_path / "s"):
            assert (tmp_path / "s").is_socket()
        assert not (tmp_path / "s").exists()

    run(main)


def test_a_stale_socket_file_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))

    async def main() -> None:
        reds = ScriptedReds()
        async with serve(reds, unix=tmp_path / "s") as running:
            _, writer = await connect(running)
            assert await soon(reds.made.get())
            writer.transport.abort()

    run(main)


def test_the_socket_of_a_living_server_is_refused_and_kept(tmp_path: Path) -> None:
    async def main() -> None:
        reds = ScriptedReds()
        async with serve(reds, unix=tmp_path / "s") as running:
            with pytest.raises(OSError, match="another server listens there") as caught:
                await serve(ScriptedReds(), unix=tmp_path / "s")
            assert caught.value.errno == errno.EADDRINUSE
            _, writer = await connect(running)
            for _ in ("the question whether it lives", "the viewer"):
                await soon(reds.made.get())
            writer.transport.abort()

    run(main)


def test_a_file_that_is_no_socket_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")

    async def main() -> None:
        with pytest.raises(FileExistsError, match="exists and is not a socket"):
            await serve(ScriptedReds(), unix=tmp_path / "s")

    run(main)
    assert (tmp_path / "s").read_text() == "precious"


def test_a_file_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    listener = UnixListener(tmp_path / "s")
    (tmp_path / "s").rename(tmp_path / "moved")
    (tmp_path / "s").write_text("precious")
    listener.unlink()
    listener.sock.close()
    assert (tmp_path / "s").read_text() == "precious"


def test_a_path_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        UnixListener(tmp_path / "none" / "s")
    with pytest.raises(OSError, match="too long"):
        UnixListener(tmp_path / ("s" * 200))


@pytest.mark.parametrize("mark", ["@", "\0"])
def test_an_abstract_name_needs_no_file(
    tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"redspice/{tmp_path}"

    async def main() -> None:
        reds = ScriptedReds()
        async with serve(reds, unix=mark + name) as running:
            assert running.addresses == ("@" + name,)
            _, writer = await asyncio.open_unix_connection(f"\0{name}")
            assert (await soon(reds.made.get())).local
            with pytest.raises(OSError, match="in use"):
                await serve(ScriptedReds(), unix=f"@{name}")
            writer.transport.abort()
        assert list(tmp_path.iterdir()) == []

    run(main)
