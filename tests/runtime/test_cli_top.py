"""`redspice top`: what it reads, what it shows, and how it says no."""

from __future__ import annotations

import io
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path as FilePath
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from redspice.aio.metrics import metrics_page
from redspice.cli import top_reading
from redspice.cli.main import main
from redspice.cli.refusal import Refusal
from redspice.cli.top_reading import Reading, reader_of
from redspice.cli.top_tables import Change, screen
from redspice.reds import RedsState
from redspice.stats import StatFile, StatPublisher
from redspice.stats.layout import FILE_BYTES
from redspice.stats.quantities import Path
from runtime.command import PATIENCE, SMALL, first_line, port_of, running
from runtime.fake_core import FakeCore
from runtime.peer import Viewer

BEFORE: Mapping[Path, float] = {
    ("clients",): 2,
    ("display:0", "viewers"): 2,
    ("display:0", "out_messages"): 100,
    ("display:0", "out_bytes"): 1_000_000,
    ("display:0", "in_messages"): 10,
    ("display:0", "in_bytes"): 60,
    ("display:0", "queue_messages"): 3,
    ("display:0", "queue_bytes"): 12_000,
    ("display:0", "in_flight_bytes"): 64_000,
    ("display:0", "latency"): 0.0123,
    ("display:0", "lz_rgb", "encoded"): 5,
    ("display:0", "lz_rgb", "time"): 0.5,
    ("display:0", "lz_rgb", "in_bytes"): 1000,
    ("display:0", "lz_rgb", "out_bytes"): 400,
    ("refused", "links refused (INVALID_MAGIC)"): 1,
}

GROWN: Mapping[Path, float] = {
    ("display:0", "out_messages"): 200,
    ("display:0", "out_bytes"): 5_000_000,
    ("display:0", "in_messages"): 5,
    ("display:0", "in_bytes"): 30,
    ("display:0", "lz_rgb", "encoded"): 50,
    ("display:0", "lz_rgb", "time"): 0.1,
    ("display:0", "lz_rgb", "in_bytes"): 1000,
    ("display:0", "lz_rgb", "out_bytes"): 100,
    ("refused", "links refused (INVALID_MAGIC)"): 3,
}


def change(
    before: Mapping[Path, float] = BEFORE,
    grown: Mapping[Path, float] = GROWN,
    seconds: float = 2.0,
) -> Change:
    now = {path: value + grown.get(path, 0) for path, value in before.items()}
    return Change(Reading(10.0, before), Reading(10.0 + seconds, now))


def rendered(change: Change, width: int = 120, title: str = "here") -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width).print(screen(title, change))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def row(lines: list[str], *names: str) -> list[str]:
    """The cells of the only row that begins with these names; two words with a unit are one."""
    (line,) = [line for line in lines if line.split()[: len(names)] == list(names)]
    for unit in (" B", " kB", " MB", " GB", " ms", " s", " %"):
        line = f"{line} ".replace(f"{unit} ", f"{unit.lstrip()} ")
    return line.split()[len(names) :]


@pytest.fixture
def stat_path(tmp_path: FilePath) -> str:
    """A file as another server writes it."""
    memory = bytearray(FILE_BYTES)
    file = StatFile(memory)
    channel = file.add("main_channel")
    for name, value in (("out_messages", 7), ("out_bytes", 4096)):
        node = file.add(name, channel, value=True)
        assert node is not None
        file.set(node, value)
    for name, visible in (("total_loops", True), ("secret", False)):
        node = file.add(name, file.add("worker"), value=True, visible=visible)
        assert node is not None
        file.set(node, 1234)
    path = tmp_path / "spice.1"
    path.write_bytes(memory)
    return str(path)


@contextmanager
def page_at(content: bytes, status: int = 200) -> Iterator[str]:
    """A server of one page, at this host:port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def refusal(target: str, interval: str = "0.01") -> str:
    result = CliRunner().invoke(main, ["top", target, "--once", "--interval", interval])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line.removeprefix("Error: ")


def shown(target: str) -> list[str]:
    arguments = ["top", target, "--once", "--interval", "0.01"]
    result = CliRunner().invoke(main, arguments, env={"COLUMNS": "80"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return [line.rstrip() for line in result.stdout.splitlines()]


# What it shows.


def test_rates_are_those_between_two_readings() -> None:
    lines = rendered(change())
    assert lines[0] == "here   2 viewers   4 refused"
    cells = row(lines[:4], "display:0")
    assert cells == ["2", "100", "2.5MB", "2.5", "15B", "3", "12.0kB", "64.0kB", "12.3ms"]
    assert row(lines, "display:0", "lz_rgb") == ["55", "25.0", "2.0ms", "500B", "50B", "10%"]
    assert row(lines, "links", "refused", "(INVALID_MAGIC)") == ["4", "1.5"]


def test_without_a_change_times_and_sizes_are_those_of_all() -> None:
    lines = rendered(change(grown={}))
    assert row(lines, "display:0", "lz_rgb") == ["5", "0.0", "100.0ms", "0B", "0B", "40%"]


def test_a_server_that_began_anew_has_no_rates() -> None:
    grown = {path: -value for path, value in BEFORE.items() if path[-1] == "out_bytes"}
    cells = row(rendered(change(grown=grown))[:4], "display:0")
    assert cells[1:3] == ["0.0", "-"]


def test_what_was_not_there_before_has_no_rate() -> None:
    both = change()
    cells = row(rendered(Change(Reading(0, {}), both.now))[:4], "display:0")
    assert cells == ["2", "-", "-", "-", "-", "3", "12.0kB", "64.0kB", "12.3ms"]


def test_two_readings_of_one_moment_have_no_rates() -> None:
    cells = row(rendered(change(seconds=0))[:4], "display:0")
    assert cells[1:5] == ["-"] * 4


def test_one_viewer_is_no_viewers() -> None:
    assert rendered(change({("clients",): 1}, {}))[0] == "here   1 viewer   0 refused"


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_terminal(width: int) -> None:
    lines = rendered(change(), width)
    assert max(map(len, lines)) <= width
    assert "latency" in lines[2]
    assert lines[3].endswith("12.3 ms")
    assert not any("…" in line for line in lines)


def test_other_counters_are_listed() -> None:
    before = {("worker", "full_loops"): 10.0, ("display:0", "new thing"): 7.0, **BEFORE}
    lines = rendered(change(before, {("worker", "full_loops"): 4}))
    assert row(lines, "worker/full_loops") == ["14", "2.0"]
    assert row(lines, "display:0/new", "thing") == ["7", "0.0"]


def test_names_do_nothing_to_a_terminal() -> None:
    evil = "\x1b[2J\x07\n\r[red]" + "x" * 100
    values: dict[Path, float] = {(evil, "out_bytes"): 1, (evil,): 2, ("refused", evil): 3}
    lines = rendered(change(values, {}), title=evil)
    text = "\n".join(lines)
    assert not {"\x1b", "\x07", "\r"} & {*text}
    assert "?[2J???[red]xxx" in text
    assert all(len(line) <= 120 for line in lines)


# What it reads.


def test_a_page_and_a_file_of_one_server_are_the_same(
    core: FakeCore, reds: RedsState, tmp_path: FilePath
) -> None:
    Viewer(reds).open("inputs")
    reds.clients[0].latency = 0.125
    reds.main.encodings.add("quic", 0.25, 1000, 10)
    memory = bytearray(FILE_BYTES)
    StatPublisher(core, reds.stats, StatFile(memory)).write()
    file = tmp_path / "spice.1"
    file.write_bytes(memory)
    with page_at(metrics_page(reds)) as place:
        page_values = reader_of(place)().values
    file_values = {
        path: value for path, value in reader_of(str(file))().values.items() if path != ("refused",)
    }
    assert page_values == file_values
    assert page_values["main:0", "latency"] == 0.125
    assert page_values["main:0", "quic", "time"] == 0.25


def test_a_file_of_another_server_is_shown(stat_path: str) -> None:
    lines = shown(stat_path)
    assert row(lines, "main_channel")[1:3] == ["0.0", "0B"]
    assert row(lines, "worker/total_loops") == ["1234", "0.0"]
    assert "secret" not in "".join(lines)


def test_a_process_is_watched_by_its_number(
    stat_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(top_reading, "stat_path", lambda pid: asked.append(pid) or stat_path)
    assert shown("4711")[0] == "4711"
    assert asked == [4711]


def test_a_file_is_found_without_a_slash(stat_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, name = os.path.split(stat_path)
    monkeypatch.chdir(folder)
    assert shown(name)[0] == name


@pytest.mark.parametrize("form", ["{}", "http://{}", "http://{}/", "http://{}/metrics"])
def test_a_page_may_be_written_in_several_ways(reds: RedsState, form: str) -> None:
    with page_at(metrics_page(reds)) as place:
        assert shown(form.format(place))[0].endswith("0 viewers   0 refused")
        assert shown(f":{place.rpartition(':')[2]}")


def test_proxies_are_not_asked(reds: RedsState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with page_at(metrics_page(reds)) as place:
        assert shown(place)


def test_a_file_in_the_middle_of_a_change_is_read_again(
    stat_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FilePath(stat_path).read_bytes()
    torn = whole[:16] + struct.pack("@I", 50) + whole[20:]
    reads = iter([torn, torn, whole])
    monkeypatch.setattr(top_reading, "_read_bytes", lambda path: next(reads))
    assert reader_of(stat_path)().values["main_channel", "out_bytes"] == 4096


# How it says no.


@pytest.mark.parametrize(
    "target", ["desk", "host:port", "host:", "a b:1", "spice:1:2", "host:123456"]
)
def test_what_cannot_be_a_target_is_one_line(target: str) -> None:
    assert refusal(target) == f"{target!r} is no URL, no host:port, no process and no file"


def test_an_interval_that_is_no_number_is_one_line(stat_path: str) -> None:
    assert refusal(stat_path, "nan") == "--interval nan is no number of seconds"


def test_a_file_that_is_not_there_is_one_line(tmp_path: FilePath) -> None:
    path = tmp_path / "spice.1"
    assert refusal(str(path)) == f"cannot read {path}: No such file or directory"
    assert refusal(str(tmp_path)) == f"cannot read {tmp_path}: Is a directory"


def test_a_file_of_something_else_is_one_line(tmp_path: FilePath) -> None:
    path = tmp_path / "notes"
    path.write_text("these are not the bytes you are looking for")
    assert refusal(str(path)).startswith(f"{path}: no statistics file: it begins with b'thes'")


def test_a_named_pipe_keeps_nobody_waiting(tmp_path: FilePath) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert refusal(str(path)) == f"{path}: no statistics file: 0 bytes, a header has 24"


def test_a_server_that_is_not_there_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/metrics"
    assert refusal(f"127.0.0.1:{port}") == f"cannot read {url}: Connection refused"


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 200, " has no statistics of a SPICE server"),
        (b"go_threads 7\n", 200, " has no statistics of a SPICE server"),
        (b"<html>hello</html>", 200, " is no page of metrics"),
        (b"\xff\xfe", 200, " is no page of metrics"),
        (b"nothing here", 404, ": 404 Not Found"),
    ],
)
def test_another_page_is_one_line(content: bytes, status: int, reason: str) -> None:
    with page_at(content, status) as place:
        assert refusal(place).removeprefix("cannot read ") == f"http://{place}/metrics{reason}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 404 \x1b[2J\r\n\r\n", "404 ?[2J"),
        (b"\x1b[2J\r\n\r\n", "?[2J"),
        (b"", "Remote end closed connection without response"),
    ],
)
def test_an_answer_does_nothing_to_the_terminal(answer: bytes, reason: str) -> None:
    def talk() -> None:
        sock, _ = server.accept()
        with sock:
            sock.recv(1 << 16)
            sock.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=talk)
        thread.start()
        place = f"127.0.0.1:{server.getsockname()[1]}"
        assert refusal(place).rstrip("?") == f"cannot read http://{place}/metrics: {reason}"
        thread.join()


def test_a_page_without_an_end_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top_reading, "MAX_PAGE_BYTES", 1000)
    with page_at(b"x" * 2000) as place:
        assert refusal(place) == f"http://{place}/metrics has more than 1000 bytes"


def test_a_page_that_does_not_come_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top_reading, "PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        assert refusal(place) == f"cannot read http://{place}/metrics: timed out"


def test_a_page_that_drips_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=iter([0.0, 5.0, 5.1]).__next__)
    monkeypatch.setattr(top_reading, "time", clock)
    with page_at(b"x" * (top_reading.PIECE_BYTES + 1)) as place, pytest.raises(Refusal) as caught:
        reader_of(place)()
    assert str(caught.value) == f"http://{place}/metrics takes longer than 5 s"


def test_a_url_with_a_password_is_refused_without_it() -> None:
    assert refusal("http://me:secret@host/metrics") == (
        "a URL with a user or a password is not for this command"
    )


def test_another_protocol_is_one_line() -> None:
    with page_at(b"") as place:
        assert "unknown url type" not in refusal(f"http://{place}")
    assert refusal("https://127.0.0.1:1/").startswith("cannot read https://127.0.0.1:1/metrics: ")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_a_page_says_it_is_read_or_refused(content: bytes) -> None:
    text = "redspice_clients 1\n" + content.decode(errors="replace")
    with suppress(Refusal):
        assert dict(top_reading._page_values("there", text))["clients",] == 1


def test_numbers_that_are_none_are_left_out() -> None:
    page = 'redspice_clients NaN\nredspice_channel_viewers{channel="x"} +Inf\n'
    assert dict(top_reading._page_values("there", page)) == {}


# As a process.


def test_ctrl_c_ends_it_quietly(stat_path: str) -> None:
    with running("top", stat_path, "--interval", "0.05") as process:
        assert first_line(process) == stat_path
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert err == ""


def test_a_terminal_has_one_screen_that_changes(stat_path: str) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "redspice.cli.main", "top", stat_path, "--interval", "0.05"]
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment) as process:
        try:
            os.close(theirs)
            seen = b""
            while seen.count(b"main_channel") < 2:
                seen += os.read(ours, 1 << 16)
            process.send_signal(signal.SIGINT)
            with suppress(OSError):  # how Linux says that the other end is closed
                while more := os.read(ours, 1 << 16):
                    seen += more
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            os.close(ours)
    enter, leave = b"\x1b[?1049h", b"\x1b[?1049l"
    assert seen.startswith(enter)
    assert leave in seen
    assert b"Traceback" not in seen


def test_a_server_that_ends_is_one_line(stat_path: str) -> None:
    with running("top", stat_path, "--interval", "0.05") as process:
        assert first_line(process) == stat_path
        os.unlink(stat_path)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert err == f"Error: cannot read {stat_path}: No such file or directory\n"


def test_a_real_server_is_watched_by_page_and_by_file() -> None:
    options = ("--port", "0", "--metrics-port", "0", "--stat-file")
    with running("serve", "demo", *SMALL, *options) as process:
        port_of(first_line(process))
        page = first_line(process).removeprefix("metrics on ")
        names = ["main:0", "display:0", "inputs:0", "cursor:0"]
        assert [line.split()[0] for line in shown(page)[3:]] == names
        assert sorted(line.split()[0] for line in shown(str(process.pid))[3:]) == sorted(names)
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert refusal(str(process.pid)).endswith("No such file or directory")


def test_help_has_examples() -> None:
    result = CliRunner().invoke(main, ["top", "--help"])
    assert result.exit_code == 0
    assert "redspice top 127.0.0.1:9180\n" in result.output
