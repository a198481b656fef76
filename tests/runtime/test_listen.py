"""Where a server listens: each kind of place answers, also to those who speak no SPICE."""

from __future__ import annotations

import asyncio
import ssl
import struct
from pathlib import Path

import pytest

from redspice.aio import AsyncioCore, TcpAddress, serve
from redspice.errors import ConfigurationError
from redspice.interfaces import ChannelEventInfo
from redspice.reds import RedsState
from redspice_protocol.enums import LinkErr
from runtime.certificates import server_files
from runtime.peer import link_message
from runtime.scripted import run, soon, turns

NONSENSE = b"\xa5" * 4


async def answer(address: TcpAddress | str, context: ssl.SSLContext | None) -> bytes:
    """What the server says to four bytes of nonsense, until it hangs up."""
    if isinstance(address, str):
        reader, writer = await asyncio.open_unix_connection(address)
    else:
        tls = {"ssl": context, "server_hostname": "localhost"} if address.tls else {}
        reader, writer = await asyncio.open_connection(*address, **tls)  # type: ignore[arg-type]
    writer.write(NONSENSE)
    said = await soon(reader.read())
    writer.transport.abort()
    return said


@pytest.mark.parametrize("kind", ["plain", "tls", "both", "unix", "abstract"])
def test_every_place_answers_nonsense_with_its_magic(tmp_path: Path, kind: str) -> None:
    files = server_files(tmp_path)
    places: dict[str, dict[str, object]] = {
        "plain": {"port": 0},
        "tls": {"tls_port": 0},
        "both": {"port": 0, "tls_port": 0},
        "unix": {"unix": tmp_path / "s"},
        "abstract": {"unix": f"@{tmp_path}"},
    }

    async def main() -> None:
        tls = files.context() if "tls" in kind or kind == "both" else None
        async with serve(RedsState(), tls=tls, **places[kind]) as running:  # type: ignore[arg-type]
            assert len(running.addresses) == len(places[kind])
            for address in running.addresses:
                name = address.replace("@", "\0", 1) if isinstance(address, str) else address
                said = await answer(name, files.viewer())
                magic, major, minor, size = struct.unpack_from("<4sIII", said)
                assert (magic, major, minor, size) == (b"REDQ", 2, 2, len(said) - 16)
                assert struct.unpack_from("<I", said, 16)[0] == LinkErr.INVALID_MAGIC

    run(main)


def test_tls_without_a_certificate_listens_nowhere() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="TLS needs a context"):
            await serve(RedsState(), port=0, tls_port=0)

    run(main)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    async def main() -> None:
        with pytest.raises((OSError, OverflowError, ConfigurationError)):
            await serve(RedsState(), port=port)

    run(main)


@pytest.mark.parametrize("kind", ["plain", "tls", "unix"])
def test_channel_events_know_both_ends_of_the_socket(tmp_path: Path, kind: str) -> None:
    files = server_files(tmp_path)
    told: list[ChannelEventInfo] = []
    path = str(tmp_path / "s")

    async def main() -> None:
        reds = RedsState()
        places = {"plain": {"port": 0}, "tls": {"tls_port": 0}, "unix": {"unix": path}}
        tls = files.context() if kind == "tls" else None
        async with serve(reds, tls=tls, **places[kind]) as running:  # type: ignore[arg-type]
            reds.core.channel_event = lambda event, info: told.append(info)  # type: ignore[method-assign]
            (address,) = running.addresses
            if isinstance(address, str):
                _, writer = await asyncio.open_unix_connection(address)
            else:
                secured = {"ssl": files.viewer(), "server_hostname": "localhost"}
                more = secured if kind == "tls" else {}
                _, writer = await asyncio.open_connection(*address, **more)  # type: ignore[arg-type]
            writer.write(link_message("main"))
            while not told:
                await turns()
            assert told[0].tls is (kind == "tls")
            assert told[0].local_address == str(address)
            name = writer.get_extra_info("sockname")
            assert told[0].peer == ("unix" if kind == "unix" else f"{name[0]}:{name[1]}")
            writer.transport.abort()

    run(main)


def test_the_last_viewer_of_a_server_with_that_option_closes_it() -> None:
    async def main() -> None:
        reds = RedsState()
        reds.exit_on_disconnect = True
        async with serve(reds, port=0) as running:
            forever = asyncio.create_task(running.serve_forever())
            await turns()
            reds.last_viewer_left()
            await soon(forever)

    run(main)


def test_an_embedder_may_say_itself_how_its_program_ends() -> None:
    async def main() -> None:
        core, reds = AsyncioCore(), RedsState()
        core.exit()  # nobody said how, so nothing happens
        ended = asyncio.Event()
        core.on_exit = ended.set
        reds.init(core)
        reds.exit_on_disconnect = True
        async with serve(reds, port=0) as running:
            reds.last_viewer_left()
            await soon(ended.wait())
            assert running.addresses

    run(main)
