"""WebSockets: upgrades, bytes in frames however cut, ping and close, hostile frames."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect, unix_connect
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from redspice.aio import serve
from redspice.aio.first_bytes import FirstBytes
from redspice.aio.origins import Origins
from redspice.aio.websocket import WebSocket, frame_header
from redspice.connection import Connection
from redspice.limits import DEFAULT_LIMITS, Limits
from redspice.reds import RedsState
from redspice_protocol import Buffer
from runtime.certificates import server_files
from runtime.scripted import ScriptedReds, run, soon, turns

BINARY = Subprotocol("binary")
MASK = b"\1\2\3\4"

REQUEST = (
    b"GET /any/path HTTP/1.1\r\nHost: 127.0.0.1:5900\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%b\r\n"
)
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
"""The example of RFC 6455, section 1.3."""


class Held(Connection):
    """A connection that writes down what it gets."""

    def __init__(self) -> None:
        self.closed = False
        self.on_output = lambda: None
        self.received = b""
        self.eof = False
        self.reason = ""
        self.output: list[list[Buffer]] = []

    def receive_data(self, data: Buffer) -> None:
        assert not self.closed
        self.received += data

    def receive_eof(self) -> None:
        self.eof = True
        self.close()

    def data_to_send(self) -> list[Buffer]:
        return self.output.pop(0) if self.output else []

    def fail(self, reason: str) -> None:
        self.reason = self.reason or reason
        self.close()

    def close(self) -> None:
        self.closed = True


class Pair:
    """A browser's protocol and ours."""

    def __init__(self, *, subprotocols: list[Subprotocol] | None = None) -> None:
        self.connection = Held()
        self.server = FirstBytes(self.connection, Origins())
        uri = parse_uri("ws://127.0.0.1:5900/")
        self.client = ClientProtocol(uri, subprotocols=subprotocols, max_size=None)
        self.client.send_request(self.client.connect())
        self.to_server()
        self.to_client()
        (response,) = self.client.events_received()
        assert isinstance(response, Response)
        self.status = response.status_code

    def to_server(self, step: int = 1 << 30) -> None:
        """Carry what the client has written, in pieces of `step` bytes."""
        data = b"".join(self.client.data_to_send())
        for start in range(0, len(data), step):
            self.server.receive_data(memoryview(data)[start : start + step])

    def to_client(self) -> bytes:
        """Carry everything that the server has written, and return it."""
        data = b"".join(iter_output(self.server))
        self.client.receive_data(data)
        return data

    def frames(self) -> list[Frame]:
        """What the client has received."""
        self.to_client()
        frames = self.client.events_received()
        assert all(isinstance(frame, Frame) for frame in frames)
        return [frame for frame in frames if isinstance(frame, Frame)]


def iter_output(server: FirstBytes | WebSocket) -> Iterator[bytes]:
    while buffers := server.data_to_send():
        yield from map(bytes, buffers)


def masked(head: int, payload: bytes, length: bytes | None = None) -> bytes:
    """A client's frame; `length` is what its header says, if not the truth."""
    size = struct.pack("!B", 0x80 | len(payload)) if length is None else length
    covered = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
    return struct.pack("!B", head) + size + MASK + covered


# the upgrade


def upgraded(fields: bytes = b"", origins: Origins | None = None) -> tuple[Held, bytes]:
    """The connection, and the answer to an upgrade with these fields."""
    connection = Held()
    server = FirstBytes(connection, origins or Origins())
    server.receive_data(REQUEST % fields)
    return connection, b"".join(iter_output(server))


def test_an_upgrade_is_answered_as_the_rfc_says() -> None:
    connection, answer = upgraded()
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert ACCEPT in answer
    assert b"Sec-WebSocket-Protocol" not in answer
    assert b"Sec-WebSocket-Extensions" not in answer
    assert not connection.closed


@pytest.mark.parametrize(
    "offered", [b"binary", b"base64, binary", b"x\r\nsec-websocket-protocol: binary"]
)
def test_the_sub_protocol_is_binary_for_who_offers_it(offered: bytes) -> None:
    _, answer = upgraded(b"Sec-WebSocket-Protocol: %b\r\n" % offered)
    assert b"Sec-WebSocket-Protocol: binary\r\n" in answer


BAD_UPGRADES = {
    "other sub-protocols": (b"Sec-WebSocket-Protocol: base64\r\n", b"400"),
    "two keys": (b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"400"),
    "two versions": (b"Sec-WebSocket-Version: 8\r\n", b"400"),
    "another upgrade": (b"Upgrade: h2c\r\n", b"426"),
    "a foreign page": (b"Origin: http://evil.example\r\n", b"403"),
    "too long": (b"X: %b\r\n" % bytes(b"x" * DEFAULT_LIMITS.max_upgrade_bytes), b"431"),
}


@pytest.mark.parametrize(("fields", "status"), BAD_UPGRADES.values(), ids=BAD_UPGRADES)
def test_a_bad_upgrade_is_answered_and_closed(fields: bytes, status: bytes) -> None:
    connection, answer = upgraded(fields)
    assert answer.startswith(b"HTTP/1.1 %b " % status)
    assert connection.closed
    assert connection.reason.startswith("WebSocket: upgrade refused: ")
    assert connection.received == b""


def test_a_request_that_is_no_http_is_closed() -> None:
    connection = Held()
    server = FirstBytes(connection, Origins())
    server.receive_data(b"GET \r\n\r\n")
    assert connection.closed
    assert "did not receive a valid HTTP request" in connection.reason
    assert server.data_to_send() == []


@pytest.mark.parametrize("surplus", [0, 1])
@pytest.mark.parametrize("step", [1, 1000])
def test_a_request_may_have_so_many_bytes_and_no_more(surplus: int, step: int) -> None:
    connection = Held()
    server = FirstBytes(connection, Origins())
    filler = DEFAULT_LIMITS.max_upgrade_bytes + surplus - len(REQUEST % b"X: \r\n")
    request = REQUEST % (b"X: %b\r\n" % (b"x" * filler))
    for start in range(0, len(request), step):
        server.receive_data(request[start : start + step])
    assert connection.closed is bool(surplus)
    assert b"".join(iter_output(server)).startswith(
        b"HTTP/1.1 431 " if surplus else b"HTTP/1.1 101 "
    )


def test_a_request_without_end_is_refused_before_it_fills_the_memory() -> None:
    connection = Held()
    server = WebSocket(connection, Origins())
    sent = 0
    while not connection.closed:
        server.receive_data(b"GET " + bytes(96))
        sent += 100
    assert sent <= DEFAULT_LIMITS.max_upgrade_bytes + 100


# which pages may connect


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "127.0.0.1:5900", True),
        ("http://127.0.0.1:8080", "127.0.0.1:5900", True),
        ("https://[::1]", "[::1]:5900", True),
        ("http://LOCALHOST", "localhost:5900", True),
        ("http://127.0.0.1", "localhost:5900", False),
        ("http://evil.example", "127.0.0.1:5900", False),
        # A name that its owner has pointed to this machine.
        ("http://evil.example:5900", "evil.example:5900", False),
        ("null", "127.0.0.1:5900", False),
        ("http://127.0.0.1", None, False),
        ("http://[", "127.0.0.1", False),
        ("", "", False),
    ],
)
def test_pages_of_the_same_address_may_connect(
    origin: str | None, host: str | None, allowed: bool
) -> None:
    assert Origins().allow(origin, host) is allowed
    assert Origins(["*"]).allow(origin, host)


def test_listed_pages_may_connect() -> None:
    origins = Origins(["https://Desk.example.org/", "null"])
    assert origins.allow("https://desk.example.org", "10.0.0.1:5900")
    assert origins.allow("null", "10.0.0.1:5900")
    assert not origins.allow("http://desk.example.org", "10.0.0.1:5900")
    connection, answer = upgraded(b"Origin: https://desk.example.org\r\n", origins)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert not connection.closed


# the first bytes


@pytest.mark.parametrize("step", [1, 2, 3, 4, 1000])
def test_an_upgrade_is_recognised_however_it_is_cut(step: int) -> None:
    connection = Held()
    server = FirstBytes(connection, Origins())
    request = REQUEST % b""
    for start in range(0, len(request), step):
        server.receive_data(memoryview(request)[start : start + step])
    assert connection.received == b""
    assert b"".join(iter_output(server)).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("data", [b"REDQ and more", b"G", b"GEX", b"GETX", b"POST / HTTP/1.1"])
@pytest.mark.parametrize("step", [1, 1000])
def test_everything_else_passes_as_it_is(data: bytes, step: int) -> None:
    connection = Held()
    server = FirstBytes(connection, Origins())
    for start in range(0, len(data), step):
        server.receive_data(data[start : start + step])
    assert connection.received == (data if data != b"G" else b"")
    connection.output.append([b"answer"])
    assert server.data_to_send() == [b"answer"]
    server.receive_eof()
    assert connection.eof


# bytes in frames


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 1 << 30])
def test_bytes_arrive_in_order_however_frames_are_cut(step: int) -> None:
    pair = Pair()
    pair.client.send_binary(b"one")
    pair.client.send_binary(b"", fin=False)
    pair.client.send_continuation(b"two", fin=False)
    pair.client.send_ping(b"between")
    pair.client.send_continuation(b"three", fin=True)
    pair.client.send_text(b"\xff four")
    pair.client.send_binary(bytes(70_000))
    pair.to_server(step)
    assert pair.connection.received == b"onetwothree\xff four" + bytes(70_000)
    assert not pair.connection.closed


def test_frames_that_come_with_the_request_are_read() -> None:
    connection = Held()
    server = FirstBytes(connection, Origins())
    server.receive_data(REQUEST % b"" + masked(0x82, b"early") + masked(0x89, b"ping"))
    assert connection.received == b"early"
    answer = b"".join(iter_output(server))
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert answer.endswith(b"\r\n\r\n\x8a\x04ping")


@pytest.mark.parametrize("size", [1, 125, 126, 65535, 65536, 1 << 20])
def test_a_write_is_one_binary_frame(size: int) -> None:
    pair = Pair()
    pair.connection.output += [[bytes(size - 1), b"x"], [b"next"]]
    first, second = pair.frames()
    assert (first.opcode, first.fin, first.data) == (Opcode.BINARY, True, bytes(size - 1) + b"x")
    assert second.data == b"next"


def test_payloads_are_not_copied() -> None:
    pair = Pair()
    pixels = memoryview(bytearray(1 << 20)).cast("I")
    pair.connection.output.append([b"head", pixels])
    header, head, body = pair.server.data_to_send()
    assert header == frame_header(4 + (1 << 20))
    assert (head, body) == (b"head", pixels)
    assert body is pixels


# ping and close


def test_a_ping_is_answered() -> None:
    pair = Pair()
    pair.client.send_ping(b"are you there?")
    pair.to_server()
    (pong,) = pair.frames()
    assert (pong.opcode, pong.data) == (Opcode.PONG, b"are you there?")


def test_pings_of_a_peer_that_reads_nothing_do_not_fill_the_memory() -> None:
    pair = Pair()
    for number in range(1000):
        pair.client.send_ping(b"%d" % number)
        pair.to_server()
    assert [frame.data for frame in pair.frames()] == [b"999"]


def test_output_is_announced_for_a_pong() -> None:
    pair, announced = Pair(), []
    pair.connection.on_output = lambda: announced.append(True)
    pair.client.send_ping(b"")
    pair.to_server()
    assert announced


@pytest.mark.parametrize("code", [1000, 1001, None])
def test_a_goodbye_is_echoed_and_ends_the_connection(code: int | None) -> None:
    pair = Pair()
    pair.client.send_binary(b"last words")
    pair.client.send_close(code)
    pair.to_server()
    assert pair.connection.received == b"last words"
    assert pair.connection.eof
    pair.connection.output.append([b"too late"])
    (close,) = pair.frames()
    assert close.opcode is Opcode.CLOSE
    assert close.data == (b"" if code is None else struct.pack("!H", code))
    assert pair.server.data_to_send() == []


def test_a_closed_connection_says_what_is_left_then_goodbye() -> None:
    pair = Pair()
    pair.connection.output += [[b"because"]]
    pair.connection.close()
    last, close = pair.frames()
    assert last.data == b"because"
    assert (close.opcode, close.data) == (Opcode.CLOSE, struct.pack("!H", 1000))
    pair.server.receive_data(masked(0x88, close.data))
    assert pair.server.data_to_send() == []


def test_the_end_of_the_stream_without_a_goodbye_ends_the_connection() -> None:
    pair = Pair()
    pair.server.receive_eof()
    assert pair.connection.eof


# hostile frames


HUGE = 1 << 63
HOSTILE = {
    "a length of 64 bits": (masked(0x82, b"", b"\xff" + struct.pack("!Q", HUGE)), 1009),
    "all bits of the length": (masked(0x82, b"", b"\xff" + b"\xff" * 8), 1009),
    "one byte over the limit": (
        masked(0x82, b"", b"\xff" + struct.pack("!Q", DEFAULT_LIMITS.max_frame_bytes + 1)),
        1009,
    ),
    "no mask": (b"\x82\x02hi", 1002),
    "reserved bits": (masked(0xF2, b"hi"), 1002),
    "an unknown kind": (masked(0x83, b"hi"), 1002),
    "a long ping": (masked(0x89, b"", b"\xfe" + struct.pack("!H", 126)) + bytes(126), 1002),
    "a ping in pieces": (masked(0x09, b"hi"), 1002),
    "a continuation of nothing": (masked(0x80, b"hi"), 1002),
    "a message in a message": (masked(0x02, b"hi") + masked(0x82, b"hi"), 1002),
    "a close of one byte": (masked(0x88, b"x"), 1002),
}


@pytest.mark.parametrize(("data", "code"), HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("step", [1, 1000])
def test_a_hostile_frame_is_answered_and_closed(data: bytes, code: int, step: int) -> None:
    pair = Pair()
    for start in range(0, len(data), step):
        pair.server.receive_data(data[start : start + step])
    assert pair.connection.closed
    assert pair.connection.reason.startswith("WebSocket: ")
    close = pair.frames()[-1]
    assert close.opcode is Opcode.CLOSE
    assert struct.unpack_from("!H", close.data) == (code,)


def test_a_message_in_many_frames_has_no_limit() -> None:
    pair = Pair()
    pair.client.send_binary(b"", fin=False)
    for _ in range(5):
        pair.client.send_continuation(bytes(DEFAULT_LIMITS.max_frame_bytes), fin=False)
        pair.to_server()
    assert pair.connection.received == bytes(5 * DEFAULT_LIMITS.max_frame_bytes)


def test_what_passes_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = Held()
    server = FirstBytes(connection, Origins())
    server.receive_data(REQUEST % b"Cookie: secret\r\n" + masked(0x82, b"secret"))
    pair_output = list(iter_output(server))
    assert connection.received == b"secret"
    assert pair_output
    assert caplog.messages == []


# real sockets


@pytest.mark.parametrize("way", ["tcp", "tls", "unix"])
def test_a_browser_comes_over_every_socket(tmp_path: Path, way: str) -> None:
    files = server_files(tmp_path)

    async def main() -> None:
        reds = ScriptedReds()
        path = str(tmp_path / "s")
        async with serve(reds, port=0, unix=path, tls=files.context(), tls_port=0) as running:
            plain, secured, _ = running.addresses
            if way == "unix":
                opening = unix_connect(path, subprotocols=[BINARY], proxy=None)
            elif way == "tls":
                url, trust = f"wss://localhost:{secured.port}", files.viewer()
                opening = connect(url, ssl=trust, subprotocols=[BINARY], proxy=None)
            else:
                opening = connect(f"ws://{plain}", subprotocols=[BINARY], proxy=None)
            async with opening as browser:
                connection = await soon(reds.made.get())
                connection.answer = lambda data: connection.send(data.upper(), b"!")
                assert browser.subprotocol == "binary"
                await browser.send(b"hello")
                assert await soon(browser.recv()) == b"HELLO!"
                await soon(await browser.ping())
                assert connection.transport.tls is (way == "tls")
                connection.close()
                await soon(browser.wait_closed())
                assert browser.close_code == 1000
            await soon(connection.lost)

    run(main)


def test_the_link_stage_answers_in_frames() -> None:
    async def main() -> None:
        async with (
            serve(RedsState(), port=0) as running,
            connect(f"ws://{running.addresses[0]}", proxy=None) as browser,
        ):
            await browser.send(b"GET / HTTP/1.1\r\n\r\n")
            answer = await soon(browser.recv())
            assert isinstance(answer, bytes)
            assert answer.startswith(b"REDQ")

    run(main)


@pytest.mark.parametrize("said", [b"", b"GE", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_an_upgrade_that_stalls_is_cut_off_at_the_link_deadline(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with serve(RedsState(Limits(link_timeout=0.05)), port=0) as running:
            reader, writer = await asyncio.open_connection(*running.addresses[0])
            writer.write(said)
            assert await soon(reader.read()) == b""
            writer.close()

    run(main)
    assert "link stage not finished in 0.05 s" in caplog.text


def test_without_websockets_an_upgrade_is_a_bad_link() -> None:
    async def main() -> None:
        async with serve(RedsState(), port=0, ws=False) as running:
            reader, writer = await asyncio.open_connection(*running.addresses[0])
            writer.write(REQUEST % b"")
            assert (await soon(reader.read())).startswith(b"REDQ")
            writer.close()

    run(main)


def test_a_page_is_let_in_when_it_is_listed() -> None:
    async def main() -> None:
        page = "https://desk.example.org"
        for origins in ((), (page,)):
            async with serve(ScriptedReds(), port=0, ws_origins=origins) as running:
                opening = connect(f"ws://{running.addresses[0]}", origin=page, proxy=None)
                if origins:
                    async with opening as browser:
                        assert browser.response.status_code == 101
                else:
                    with pytest.raises(InvalidStatus, match="403"):
                        await opening
            await turns()

    run(main)
