"""TLS: contexts and what is wrong with their files, handshakes that fail or stall, hanging up."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from redspice.aio import (
    Server,
    TlsAddress,
    adopt,
    protocol,
    serve,
    tls_context,
)
from redspice.errors import ConfigurationError
from redspice.limits import DEFAULT_LIMITS, Limits
from runtime.certificates import Files, encrypted_key, server_files, viewer_certificate
from runtime.scripted import (
    Peer,
    ScriptedConnection,
    ScriptedReds,
    reading,
    run,
    shells,
    soon,
    turns,
)

PASSWORD = "open sesame"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return server_files(tmp_path)


@asynccontextmanager
async def tls_server(
    context: ssl.SSLContext, limits: Limits = DEFAULT_LIMITS
) -> AsyncIterator[tuple[Server, ScriptedReds]]:
    """A server that listens for TLS only."""
    reds = ScriptedReds(limits)
    async with serve(reds, tls=context, tls_port=0) as running:
        yield running, reds


async def connect(running: Server, context: ssl.SSLContext) -> Peer:
    host, port = running.addresses[0]
    return await asyncio.open_connection(host, port, ssl=context)


@asynccontextmanager
async def viewer(
    files: Files,
) -> AsyncIterator[tuple[ScriptedConnection, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A TLS server with one viewer connected: its connection and the other end."""
    async with tls_server(files.context()) as (running, reds):
        reader, writer = await connect(running, files.viewer())
        try:
            yield await soon(reds.made.get()), reader, writer
        finally:
            writer.transport.abort()


# bytes


def test_bytes_pass_both_ways_in_order(files: Files) -> None:
    async def main() -> None:
        async with viewer(files) as (connection, reader, writer):
            connection.answer = lambda data: connection.send(data.upper(), memoryview(b"!"))
            writer.write(b"hello")
            assert await soon(reader.readexactly(6)) == b"HELLO!"
            connection.send(bytes(300_000))
            assert await soon(reader.readexactly(300_000)) == bytes(300_000)

    run(main)


def test_the_core_learns_how_the_bytes_travel(files: Files) -> None:
    async def main() -> None:
        async with viewer(files) as (connection, _, _):
            transport = connection.transport
            assert transport.tls
            assert transport.cipher_bits in (128, 256)
            assert transport.client_certificate is None
            assert transport.address == "127.0.0.1"
            assert transport.peer.startswith("127.0.0.1:")
            assert not transport.local

    run(main)


def test_a_closed_connection_sends_what_is_left_then_hangs_up(files: Files) -> None:
    async def main() -> None:
        async with viewer(files) as (connection, reader, writer):
            writer.write(b"never read by the connection" * 1000)
            connection.send(bytes(200_000))
            connection.send(b"the reason")
            connection.close()
            assert await soon(reader.read()) == bytes(200_000) + b"the reason"
            assert await soon(connection.lost) == "closed"

    run(main)


def test_a_peer_that_does_not_leave_is_cut_off(files: Files) -> None:
    async def main() -> None:
        async with tls_server(files.context(), Limits(close_timeout=0.05)) as (running, reds):
            _, writer = await connect(running, files.viewer())
            connection = await soon(reds.made.get())
            reading(writer).pause_reading()
            connection.endless = bytes(1 << 20)
            connection.on_output()
            await turns()
            connection.close()
            await soon(connection.lost)
            writer.transport.abort()

    run(main)


def test_what_waits_for_a_peer_that_does_not_read_is_bounded(files: Files) -> None:
    async def main() -> None:
        chunk = bytes(32 * 1024)
        async with tls_server(files.context()) as (running, reds):
            _, writer = await connect(running, files.viewer())
            connection = await soon(reds.made.get())
            reading(writer).pause_reading()
            connection.endless = chunk
            connection.on_output()
            stalled_at = -1
            while stalled_at != connection.asked:
                stalled_at = connection.asked
                await turns(100)
            (shell,) = shells(running)
            assert 0 < shell._transport.get_write_buffer_size() <= protocol.SEND_HIGH_WATER * 2
            writer.transport.abort()

    run(main)


def test_a_picture_does_not_wait_where_nobody_sees_whether_it_is_read(files: Files) -> None:
    async def main() -> None:
        size = 32 << 20
        async with tls_server(files.context()) as (running, reds):
            reader, writer = await connect(running, files.viewer())
            connection = await soon(reds.made.get())
            (shell,) = shells(running)
            reading(writer).pause_reading()
            connection.send(bytes(size), b"the end")
            while not shell._paused:
                await asyncio.sleep(0)
            await turns(100)
            in_tls = shell._transport.get_write_buffer_size()
            assert 0 < in_tls <= protocol.SEND_HIGH_WATER + 2 * protocol.TLS_PIECE
            assert sum(map(len, shell._rest)) > size // 2
            first = shell._write_deadline
            reading(writer).resume_reading()
            taken = 0
            while shell._transport.get_write_buffer_size() == in_tls:
                taken += len(await soon(reader.read(1 << 16)))
            shell._check_writing()  # as at the deadline
            assert not connection.closed
            assert shell._write_deadline is not first
            left = size + len(b"the end") - taken
            assert (await soon(reader.readexactly(left))).endswith(b"\0the end")
            writer.transport.abort()

    run(main)


@pytest.mark.parametrize(
    ("size", "first", "rest"),
    [
        (1, [b"a"], [b"bc", b"", b"def"]),
        (3, [b"abc", b""], [b"def"]),
        (4, [b"abc", b"", b"d"], [b"ef"]),
        (6, [b"abc", b"", b"def"], []),
        (100, [b"abc", b"", b"def"], []),
    ],
)
def test_buffers_are_cut_anywhere(size: int, first: list[bytes], rest: list[bytes]) -> None:
    assert protocol.cut([b"abc", b"", b"def"], size) == (first, rest)


def test_the_end_of_the_peers_stream_ends_the_connection(files: Files) -> None:
    async def main() -> None:
        async with viewer(files) as (connection, _, writer):
            writer.close()
            await soon(connection.lost)
            assert connection.eof

    run(main)


# handshakes


def test_a_handshake_that_stalls_is_cut_off_at_the_link_deadline(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with tls_server(files.context(), Limits(link_timeout=0.05)) as (running, reds):
            reader, writer = await asyncio.open_connection(*running.addresses[0])
            writer.write(b"\x16\x03\x01")
            assert await soon(reader.read()) == b""
            writer.close()
            assert reds.made.empty()
            assert len(running._viewers) == 0
        assert "TLS handshake failed: SSL handshake is taking longer" in caplog.text

    run(main)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"REDQ\2\0\0\0\2\0\0\0", "wrong version number"),
        (b"GET / HTTP/1.1\r\n\r\n", "http request"),
        (bytes(1000), "wrong version number"),
    ],
)
def test_what_is_no_handshake_is_one_log_line_and_the_next_viewer_is_served(
    files: Files, said: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, info: complaints.append(info))
        async with tls_server(files.context()) as (running, reds):
            reader, writer = await asyncio.open_connection(*running.addresses[0])
            writer.write(said)
            await soon(reader.read())
            writer.close()
            assert reds.made.empty()
            _, writer = await connect(running, files.viewer())
            assert await soon(reds.made.get())
            writer.transport.abort()
        assert complaints == []

    run(main)
    (line,) = caplog.messages
    assert line.startswith("127.0.0.1:")
    assert line.endswith(f"TLS handshake failed: {reason}")


def test_a_handshake_counts_as_a_link_that_is_not_done(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with tls_server(files.context(), Limits(max_unlinked=1)) as (running, reds):
            reader, idle = await asyncio.open_connection(*running.addresses[0])
            while not len(running._viewers):
                await asyncio.sleep(0)
            _, writer = await connect(running, files.viewer())
            assert await soon(reader.read()) == b""
            assert not (await soon(reds.made.get())).closed
            assert len(running._viewers) == 1
            idle.close()
            writer.transport.abort()

    run(main)
    (line,) = caplog.messages
    assert line.endswith(": dropped for newer ones, 1 have not linked")


def test_a_peer_that_hangs_up_in_the_handshake_is_forgotten(files: Files) -> None:
    async def main() -> None:
        async with tls_server(files.context()) as (running, _):
            _, writer = await asyncio.open_connection(*running.addresses[0])
            while not len(running._viewers):
                await asyncio.sleep(0)
            writer.transport.abort()
            while len(running._viewers):
                await asyncio.sleep(0)

    run(main)


def test_closing_the_server_does_not_wait_for_handshakes(files: Files) -> None:
    async def main() -> None:
        async with tls_server(files.context()) as (running, _):
            reader, writer = await asyncio.open_connection(*running.addresses[0])
            while not len(running._viewers):
                await asyncio.sleep(0)
            running.close()
            await soon(running.wait_closed())
            assert await soon(reader.read()) == b""
            writer.close()

    run(main)


# certificates of viewers


def test_the_name_in_a_viewers_certificate_is_known(files: Files, tmp_path: Path) -> None:
    own = viewer_certificate(tmp_path / "viewer.pem", "alice")

    async def main() -> None:
        context = tls_context(files.certificate, files.key, client_ca=own)
        async with tls_server(context) as (running, reds):
            for certificate, name in ((own, "alice"), (None, None)):
                trust = files.viewer()
                if certificate is not None:
                    trust.load_cert_chain(certificate)
                _, writer = await connect(running, trust)
                connection = await soon(reds.made.get())
                assert connection.transport.client_certificate == name
                writer.transport.abort()

    run(main)


def test_a_viewer_with_several_names_has_none(files: Files, tmp_path: Path) -> None:
    own = viewer_certificate(tmp_path / "viewer.pem", "alice", "root")

    async def main() -> None:
        async with tls_server(tls_context(files.certificate, files.key, client_ca=own)) as (
            running,
            reds,
        ):
            trust = files.viewer()
            trust.load_cert_chain(own)
            _, writer = await connect(running, trust)
            assert (await soon(reds.made.get())).transport.client_certificate is None
            writer.transport.abort()

    run(main)


@pytest.mark.parametrize("shown", [True, False], ids=["of another CA", "none"])
def test_a_viewer_without_the_certificate_that_it_needs_is_refused(
    files: Files, tmp_path: Path, shown: bool, caplog: pytest.LogCaptureFixture
) -> None:
    ca = viewer_certificate(tmp_path / "ca-of-viewers.pem", "alice")
    stranger = viewer_certificate(tmp_path / "stranger.pem", "alice")

    async def main() -> None:
        context = tls_context(
            files.certificate, files.key, client_ca=ca, require_client_certificate=True
        )
        async with tls_server(context) as (running, reds):
            trust = files.viewer()
            if shown:
                trust.load_cert_chain(stranger)
            reader, writer = await connect(running, trust)
            assert await soon(reader.read()) == b""
            writer.transport.abort()
            assert reds.made.empty()

    run(main)
    reason = "certificate verify failed" if shown else "peer did not return a certificate"
    assert caplog.messages[0].endswith(f"TLS handshake failed: {reason}")


# contexts


def test_a_context_refuses_what_is_old(files: Files) -> None:
    context = files.context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.verify_mode is ssl.CERT_NONE


def test_a_viewer_without_a_common_cipher_is_refused(files: Files) -> None:
    async def main() -> None:
        context = tls_context(files.certificate, files.key, ciphers="ECDHE-RSA-AES256-GCM-SHA384")
        async with tls_server(context) as (running, reds):
            trust = files.viewer()
            trust.maximum_version = ssl.TLSVersion.TLSv1_2
            _, writer = await connect(running, trust)
            assert (await soon(reds.made.get())).transport.cipher_bits == 256
            writer.transport.abort()
            trust.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
            with pytest.raises((ConnectionResetError, ssl.SSLError)):
                await connect(running, trust)

    run(main)


@pytest.mark.parametrize("password", [PASSWORD, PASSWORD.encode(), lambda: PASSWORD], ids=repr)
def test_an_encrypted_key_is_opened(files: Files, password: str) -> None:
    files.key.write_bytes(encrypted_key(PASSWORD))
    assert tls_context(files.certificate, files.key, password=password)


@pytest.mark.parametrize(
    ("password", "complaint"),
    [(None, "needs a password"), ("wrong " + PASSWORD, "the password does not open it")],
)
def test_a_key_that_stays_closed_is_refused_without_a_question(
    files: Files, password: str | None, complaint: str
) -> None:
    files.key.write_bytes(encrypted_key(PASSWORD))
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        tls_context(files.certificate, files.key, password=password)
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_chain_is_sent_whole(files: Files) -> None:
    files.certificate.write_bytes(files.certificate.read_bytes() + files.ca.read_bytes())
    assert files.context()


def test_the_key_of_another_certificate_is_refused(files: Files, tmp_path: Path) -> None:
    other = viewer_certificate(tmp_path / "other.pem", "other")
    with pytest.raises(ConfigurationError, match="does not belong to the certificate") as error:
        tls_context(files.certificate, other)
    assert str(files.certificate) in str(error.value)
    assert str(other) in str(error.value)


@pytest.mark.parametrize("which", ["certificate", "key", "client_ca"])
@pytest.mark.parametrize("state", ["missing", "nonsense"])
def test_a_file_that_cannot_be_used_is_named(
    files: Files, tmp_path: Path, which: str, state: str
) -> None:
    bad = tmp_path / "bad.pem"
    if state == "nonsense":
        bad.write_text("nonsense")
    paths = {"certificate": files.certificate, "key": files.key, "client_ca": files.ca}
    with pytest.raises(ConfigurationError, match="bad\\.pem") as caught:
        tls_context(**{**paths, which: bad})
    expected = "No such file or directory" if state == "missing" else "PEM"
    assert expected in str(caught.value)


def test_impossible_settings_are_refused(files: Files) -> None:
    with pytest.raises(ConfigurationError, match="no cipher can be selected from 'ROT13'"):
        tls_context(files.certificate, files.key, ciphers="ROT13")
    with pytest.raises(ConfigurationError, match="need a CA"):
        tls_context(files.certificate, files.key, require_client_certificate=True)


# places


def test_a_tls_address_says_so(files: Files) -> None:
    async def main() -> None:
        reds = ScriptedReds()
        async with serve(reds, port=0, tls=files.context(), tls_port=0) as running:
            plain, secured = running.addresses
            assert [type(secured), str(secured)] == [TlsAddress, f"127.0.0.1:{secured.port}"]
            assert (plain.tls, secured.tls) == (False, True)
        given = socket.create_server(("127.0.0.1", 0))
        async with serve(reds, tls=files.context(), tls_sock=given) as running:
            (address,) = running.addresses
            assert address.tls
            _, writer = await connect(running, files.viewer())
            assert (await soon(reds.made.get())).transport.tls
            writer.transport.abort()

    run(main)


def test_tls_without_a_context_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="TLS needs a context"):
            await serve(ScriptedReds(), tls_port=0)

    run(main)


def test_a_connected_socket_is_served_over_tls(files: Files) -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        reds = ScriptedReds()
        async with adopt(reds, tls=files.context()) as running:
            running.add_ssl_client(ours, skip_auth=True)
            reader, writer = await asyncio.open_connection(
                sock=theirs, ssl=files.viewer(), server_hostname="localhost"
            )
            connection = await soon(reds.made.get())
            assert connection.skip_auth
            assert connection.transport.tls
            assert connection.transport.local
            connection.send(b"hello")
            assert await soon(reader.readexactly(5)) == b"hello"
            writer.transport.abort()
        plain, other = socket.socketpair()
        with plain, other:
            async with adopt(reds) as running:
                with pytest.raises(ConfigurationError, match="no TLS context"):
                    running.add_ssl_client(plain)
                assert plain.fileno() >= 0

    run(main)
