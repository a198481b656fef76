"""The page of metrics: what it says, who gets it, and that nobody waits for who reads it."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError

import pytest
from prometheus_client.parser import text_string_to_metric_families

from redspice.aio import TcpAddress
from redspice.aio.metrics import MAX_CONNECTIONS, Pages, metrics_page, metrics_server
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from redspice.stats import parse
from redspice.stats.quantities import CHANNEL, ENCODING, SERVER
from runtime.command import (
    SMALL,
    SocketPeer,
    first_line,
    main_channel,
    port_of,
    refusal_of,
    running,
)
from runtime.fake_core import FakeCore
from runtime.peer import DISPLAY_INIT, Peer, Viewer

Samples = dict[tuple[str, ...], float]
"""By the name and the values of the labels."""

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

GET = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"
PATIENCE = 30.0


def samples(page: str) -> Samples:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def scrape(reds: RedsState) -> Samples:
    return samples(metrics_page(reds).decode())


@pytest.fixture
def display(reds: RedsState) -> Iterator[Peer]:
    reds.add_interface(QxlInterface(Framebuffer(32, 32)))
    return Viewer(reds).open_display()


def test_the_page_has_what_the_snapshot_has(reds: RedsState, display: Peer) -> None:
    display.messages()
    channel, page = reds.stats.snapshot().channel("display:0"), scrape(reds)
    assert page["redspice_clients",] == 1
    assert page["redspice_channel_viewers", "display:0"] == 1
    for name in ("out_messages", "out_bytes", "in_messages", "in_bytes", "opened"):
        assert page[f"redspice_channel_{name}_total", "display:0"] == getattr(channel, name) > 0
    assert page["redspice_encoding_encoded_total", "display:0", "bitmap"] == 1
    assert page["redspice_encoding_in_bytes_total", "display:0", "bitmap"] == 32 * 32 * 4


def test_every_quantity_has_a_type_and_a_text(reds: RedsState, display: Peer) -> None:
    families = {
        family.name: family
        for family in text_string_to_metric_families(metrics_page(reds).decode())
    }
    for quantity in (*SERVER, *CHANNEL, *ENCODING):
        family = families.pop(quantity.metric.removesuffix("_total"))
        assert family.type == ("counter" if quantity.grows else "gauge")
        assert family.documentation == quantity.text
    assert families.keys() == {"redspice_refused"}


def test_what_is_not_known_is_left_out(reds: RedsState, display: Peer) -> None:
    latency = "redspice_channel_latency_seconds"
    assert (latency, "main:0") not in scrape(reds)
    reds.clients[0].latency = 0.25
    assert scrape(reds)[latency, "main:0"] == 0.25


def test_refusals_are_told_by_kind(reds: RedsState, one_modulus: None) -> None:
    Peer(reds).link("main", password="wrong")
    assert scrape(reds)["redspice_refused_total", "links refused (PERMISSION_DENIED)"] == 1


def test_no_page_tells_who_is_connected(reds: RedsState) -> None:
    viewer = Viewer(reds)
    page = metrics_page(reds).decode()
    assert str(viewer.session_id) not in page
    assert f'"{viewer.main.connection.peer}"' not in page


# Over HTTP.


def with_server(reds: RedsState, visit: Callable[[TcpAddress], Awaitable[None]]) -> None:
    async def program() -> None:
        async with asyncio.timeout(PATIENCE), metrics_server(reds) as (place,):
            await visit(place)

    asyncio.run(program())


@asynccontextmanager
async def connected(place: TcpAddress) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection(*place)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def fetch(place: TcpAddress, path: str = "/metrics") -> tuple[int, str, str]:
    """The status, the type and the text of a page."""

    def get() -> tuple[int, str, str]:
        try:
            with urllib.request.urlopen(f"http://{place}{path}", timeout=PATIENCE) as response:
                return response.status, response.headers["Content-Type"], response.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read().decode()

    return await asyncio.to_thread(get)


def test_a_scraper_gets_the_page_of_now(reds: RedsState) -> None:
    async def visit(place: TcpAddress) -> None:
        for viewers in range(3):
            status, kind, text = await fetch(place)
            assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
            assert samples(text)["redspice_clients",] == viewers
            Viewer(reds)

    reds.allow_multiple_clients = True
    with_server(reds, visit)


def test_who_asks_without_end_has_a_tenth_of_the_time(
    reds: RedsState, core: FakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def slow(reds: RedsState) -> bytes:
        core.advance(0.1)
        made.append(core.now())
        return b"page"

    monkeypatch.setattr("redspice.aio.metrics.metrics_page", slow)
    pages = Pages(reds)
    for _ in range(1000):
        assert pages.page() == "page"
        core.advance(0.01)
    assert 9 <= len(made) <= 10


def test_a_query_is_no_other_page_and_another_page_is_none(reds: RedsState) -> None:
    async def visit(place: TcpAddress) -> None:
        assert (await fetch(place, "/metrics?name=x"))[0] == 200
        for path in ("/", "/metrics/", "/metric", "//metrics"):
            status, _, text = await fetch(place, path)
            assert (status, text) == (404, "the statistics are at /metrics\n")

    with_server(reds, visit)


def test_a_long_page_comes_whole(reds: RedsState) -> None:
    for id in range(200):
        reds.add_interface(QxlInterface(Framebuffer(1, 1), id))

    async def visit(place: TcpAddress) -> None:
        _, _, text = await fetch(place)
        assert len(text) > 200_000
        assert ("redspice_channel_viewers", "cursor:199") in samples(text)

    with_server(reds, visit)


def test_a_failure_is_a_line_of_the_log_and_the_next_one_is_served(
    reds: RedsState, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def visit(place: TcpAddress) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(reds.stats, "snapshot", lambda: 1 / 0)
            status, _, text = await fetch(place)
        assert (status, text) == (500, "see the log\n")
        assert (await fetch(place))[0] == 200

    with_server(reds, visit)
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert record.getMessage() == "while collecting statistics"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\0\xff\n\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /" + b"x" * 100_000,
        b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
        b"",
    ],
)
def test_a_bad_request_is_the_end_of_it_and_no_line_of_the_log(
    reds: RedsState, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def visit(place: TcpAddress) -> None:
        async with connected(place) as (reader, writer):
            writer.write(request_bytes)
            writer.write_eof()
            answer = b""
            with suppress(ConnectionResetError):
                answer = await reader.read()
            assert b"redspice_" not in answer
        assert (await fetch(place))[0] == 200

    with_server(reds, visit)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_an_upgrade_to_a_websocket_is_no_way_in(reds: RedsState) -> None:
    async def visit(place: TcpAddress) -> None:
        upgrade = (
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        async with connected(place) as (reader, writer):
            writer.write(GET[:-2] + upgrade)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")

    with_server(reds, visit)


def test_those_who_say_nothing_lock_nobody_out(reds: RedsState) -> None:
    async def visit(place: TcpAddress) -> None:
        async with AsyncExitStack() as stack:
            silent = [
                (await stack.enter_async_context(connected(place)))[0]
                for _ in range(2 * MAX_CONNECTIONS)
            ]
            assert (await fetch(place))[0] == 200
            # The oldest have made way.
            for reader in silent[: MAX_CONNECTIONS + 1]:
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
            assert not any(map(is_over, silent[MAX_CONNECTIONS + 1 :]))

    with_server(reds, visit)


def test_a_scraper_has_its_time_and_no_more(reds: RedsState, core: FakeCore) -> None:
    async def visit(place: TcpAddress) -> None:
        async with connected(place) as (early, _):
            assert (await fetch(place))[0] == 200  # so the other connection has been taken
            reds.limits = replace(reds.limits, metrics_timeout=2.0)
            async with connected(place) as (late, _):
                assert (await fetch(place))[0] == 200
                core.advance(1.9)
                await asyncio.sleep(0)
                assert (is_over(early), is_over(late)) == (False, False)
                core.advance(0.1)
                with suppress(ConnectionResetError):
                    assert await late.read() == b""
                assert not is_over(early)

    with_server(reds, visit)
    assert core.armed == 0


def is_over(reader: asyncio.StreamReader) -> bool:
    return reader.at_eof() or reader.exception() is not None


def test_the_end_waits_for_no_scraper(reds: RedsState) -> None:
    async def program() -> float:
        async with AsyncExitStack() as stack:
            async with metrics_server(reds) as (place,):
                reader, writer = await stack.enter_async_context(connected(place))
                writer.write(GET)
                await reader.readexactly(1)
                await stack.enter_async_context(connected(place))
                begun = asyncio.get_running_loop().time()
            return asyncio.get_running_loop().time() - begun

    assert asyncio.run(program()) < DEFAULT_LIMITS.metrics_timeout / 2


def test_a_taken_port_is_an_error_that_says_which(core: FakeCore, reds: RedsState) -> None:
    async def program(port: int) -> None:
        async with metrics_server(reds, port=port):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use") as caught:
            asyncio.run(program(port))
    assert caught.value.filename == f"127.0.0.1:{port}"


# The command.


def metrics_url(line: str) -> str:
    assert line.startswith("metrics on http://127.0.0.1:")
    return line.removeprefix("metrics on ")


def read_page(url: str) -> Samples:
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return samples(response.read().decode())


def test_the_page_of_a_real_server_moves_with_a_real_viewer() -> None:
    arguments = ("serve", "demo", "--port", "0", "--metrics-port", "0")
    sent = "redspice_channel_out_bytes_total", "display:0"
    with running(*arguments) as process:
        port, url = port_of(first_line(process)), metrics_url(first_line(process))
        before = read_page(url)
        assert before["redspice_clients",] == 0
        with main_channel(port) as (_, session), SocketPeer(port) as display:
            assert display.link("display", connection_id=session) == 0
            display.send("init", DISPLAY_INIT)
            display.until("mark")
            during = read_page(url)
            display.until("draw_copy")
            # The page may be that of a moment ago.
            while (later := read_page(url))[sent] == during[sent]:
                display.until("draw_copy")
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert during["redspice_clients",] == 1
    assert before[sent] == 0 < during[sent] < later[sent]
    encoded = {name: value for name, value in later.items() if "encoded_total" in name[0]}
    assert sum(encoded.values()) >= 1
    assert later["redspice_channel_in_messages_total", "display:0"] >= 1


def test_who_else_can_read_the_page_is_said() -> None:
    arguments = ("serve", "demo", *SMALL, "--port", "0", "--metrics-port", "0")
    with running(*arguments, "--metrics-address", "0.0.0.0") as process:
        port_of(first_line(process))
        place = first_line(process).removeprefix("metrics on http://").removesuffix("/metrics")
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert f"WARNING everybody who reaches {place} can read the statistics\n" in err


def test_the_example_watches_itself() -> None:
    example = Path(__file__).parent.parent.parent / "examples" / "stats.py"
    with subprocess.Popen(
        [sys.executable, example, "--port", "0", "--metrics-port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            line = re.fullmatch(r"statistics at (\S+) and in (\S+)\n", process.stdout.readline())
            assert line is not None
            with main_channel(port):
                assert read_page(f"http://{line[1]}/metrics")["redspice_clients",] == 1
                figures = [process.stdout.readline() for _ in range(2)]
            assert parse(Path(line[2]).read_bytes())
            assert figures[1].startswith("1 viewers, 0 refused, 0 messages/s, 0 kB/s, pictures: ")
            Path(line[2]).unlink()
        finally:
            process.kill()


def test_an_address_needs_a_port() -> None:
    assert refusal_of("demo", "--metrics-address", "::1").startswith("--metrics-address is for")


def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refusal_of("demo", *SMALL, "--port", "0", "--metrics-port", port)
    assert line == f"cannot listen on 127.0.0.1:{port}: Address already in use"
