"""`redspice-codegen explain`: what is shown of good and of malformed bodies.

The expected texts are the files of `explained`; `--update-golden` writes them again.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codegen.specs import ROOT, spice
from generated.vectors import files, read
from redspice_codegen.cli import main
from redspice_codegen.commands.explain import EXAMPLES
from redspice_codegen.emit import emit
from redspice_codegen.explanation import WIDTH, is_pointer, rows, table, unowned
from redspice_codegen.live import import_texts
from redspice_codegen.load import load
from redspice_codegen.model import Protocol

EXPECTED = Path(__file__).parent / "explained"
SPICE = ROOT / "spice.proto"
MARSHALLERS = ROOT / "tests" / "vectors" / "specs" / "marshallers.proto"

#: DRAW_COPY of a bitmap of 2 x 2 pixels, as the server sends it.
DRAW_COPY = bytes.fromhex(
    "000000000a000000140000000c0000001600000000390000000000000000000000020000000200000008"
    "00000000000000000000000000000001000000010000000000020000000200000008040200000002000000"
    "0800000000000000000102030405060708090a0b0c0d0e0f"
)
HOST = bytes.fromhex("d216 d316 05000000 1a000000 00000000 00000000 ffffffffffff 686f737400")
CHANNELS = bytes.fromhex("14000000") + bytes(range(40))

#: Case → spec, what is asked for, body.
CASES: dict[str, tuple[Path, list[str], bytes]] = {
    "draw_copy": (SPICE, ["display.draw_copy"], DRAW_COPY),
    "cut_payload": (SPICE, ["display.304"], DRAW_COPY[:-1]),
    "cut_rectangle": (SPICE, ["display.draw_copy"], DRAW_COPY[:30]),
    "bad_pointer": (
        SPICE,
        ["display.draw_copy"],
        DRAW_COPY[:21] + (60000).to_bytes(4, "little") + DRAW_COPY[25:],
    ),
    "gap_before_a_target": (SPICE, ["main.migrate_begin"], HOST),
    "null_that_must_not_be": (SPICE, ["main.migrate_begin"], bytes(20)),
    "many_elements": (SPICE, ["main.channels_list"], CHANNELS),
    "cut_in_a_hidden_element": (SPICE, ["main.channels_list"], CHANNELS[:41]),
    "trailing": (SPICE, ["main.mouse_mode"], bytes.fromhex("0300 4200 ffff")),
    "text": (SPICE, ["main.name"], b"\5\0\0\0demo\0"),
    "numbers": (SPICE, ["playback.volume"], b"\x14" + bytes(40)),
    "arm_without_bytes": (SPICE, ["port.compressed_data", "--client"], b"\0abc"),
    "default_arm": (SPICE, ["port.102", "--server"], b"\1\3\0\0\0abc"),
    "no_arm": (SPICE, ["cursor.set"], bytes.fromhex("0100 0200 01 0100")),
    "descriptor": (SPICE, ["display.gl_scanout_unix"], bytes(20)),
    "c_string": (
        SPICE,
        ["tunnel.service_add"],
        bytes.fromhex("0100 07000000 01000000 50000000 16000000 1a000000 77656200 61207369746500"),
    ),
    "no_bytes": (SPICE, ["display.mark"], b""),
    "ignored": (MARSHALLERS, ["main.Zeroes"], bytes.fromhex("00 0201 00000000")),
    "json": (SPICE, ["main.migrate_begin", "--json"], HOST),
    "json_malformed": (SPICE, ["main.migrate_begin", "--json"], HOST[:12]),
}


@pytest.fixture(autouse=True)
def one_load(monkeypatch: pytest.MonkeyPatch, loaded: dict[Path, Protocol]) -> None:
    """Each spec is read once: that takes longer than all the rest."""

    def known(path: Path, defines: list[str]) -> Protocol:
        if path not in loaded:
            loaded[path] = load(path, defines)
        return loaded[path]

    monkeypatch.setattr("redspice_codegen.commands.explain.load", known)


@pytest.fixture(scope="module")
def loaded() -> dict[Path, Protocol]:
    return {}


def explain(
    capsys: pytest.CaptureFixture[str], spec: Path, *arguments: str
) -> tuple[int, str, str]:
    """The exit status, what goes to standard output, what to standard error."""
    status = main(["explain", str(spec), *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


@pytest.mark.parametrize("case", CASES)
def test_what_is_shown(
    case: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    spec, asked, body = CASES[case]
    status, out, err = explain(capsys, spec, *asked, body.hex())
    text = f"{out}{err}exit status {status}\n"
    path = EXPECTED / f"{case}.txt"
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert "--json" in asked or max(len(line) for line in out.splitlines()) <= WIDTH


def test_every_expected_text_has_a_case() -> None:
    assert {path.stem for path in EXPECTED.iterdir()} == set(CASES)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["displai.mark", ""], "no channel displai; did you mean display?"),
        (["display", ""], "channel display has no message "),
        (["display.draw_cop", ""], "did you mean draw_copy?"),
        (["display.mark", "--client", ""], "channel display has no message mark from the client"),
        (["smartcard.data", ""], "both sides send a smartcard.data: say --server or --client"),
        (["display.mark", "0"], "the body is not hex: two digits for each byte"),
        (["display.mark", "a", "b", "--file"], "--file takes one name"),
    ],
)
def test_a_wrong_question_is_one_line(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = explain(capsys, SPICE, *arguments)
    assert (status, out, len(err.splitlines())) == (3, "", 1)
    assert error in err


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none.bin"
    status, _, err = explain(capsys, SPICE, "display.mark", "--file", str(path))
    assert (status, err) == (2, f"{path}: No such file or directory\n")


def test_without_construct_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "construct", None)
    status, out, err = explain(capsys, SPICE, "display.mark", "")
    assert (status, out) == (2, "")
    assert err == "explain needs the construct library, which is not installed\n"


def test_the_generated_modules_are_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(sys.modules)
    explain(capsys, SPICE, "display.mark", "")
    assert not {name for name in set(sys.modules) - before if "explained" in name}


def test_hex_may_be_written_in_many_ways(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = explain(capsys, SPICE, "main.mouse_mode", "03000200")
    assert expected[0] == 0
    for written in (["03 00 02 00"], ["0300", "0200"], ["03:00:02:00"]):
        assert explain(capsys, SPICE, "main.mouse_mode", *written) == expected
    monkeypatch.setattr(sys, "stdin", io.StringIO("0300\n02 00\n"))
    assert explain(capsys, SPICE, "main.mouse_mode", "-") == expected


def test_a_reader_that_stops_is_no_error() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "redspice_codegen.cli", "explain", str(SPICE)]
    done = subprocess.run(
        [*command, "display.draw_copy", DRAW_COPY.hex()],
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


def examples() -> list[str]:
    return [line.strip() for line in EXAMPLES.splitlines() if " explain " in line]


@pytest.mark.parametrize("example", examples())
def test_the_examples_of_the_help_work(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spice.proto").write_bytes(SPICE.read_bytes())
    smartcard = bytes.fromhex("07000000 00000000 02000000 9000")
    (tmp_path / "body.bin").write_bytes(smartcard)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(DRAW_COPY.hex()))
    assert main(shlex.split(example.rpartition("| ")[2])[1:]) == 0


# all vectors


@pytest.fixture(scope="module")
def mirror() -> ModuleType:
    return import_texts("traced_mirror", emit(spice(), "spice.proto", "construct"))


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name.removesuffix(".jsonl.xz"))
def test_every_byte_of_a_vector_has_its_field(path: Path, mirror: ModuleType) -> None:
    """The span of a field holds its value; only what C appends belongs to nobody."""
    for index, vector in enumerate(read(path)):
        trace = mirror.Trace()
        message = getattr(mirror.CHANNELS[vector.channel], vector.direction)[vector.id]
        message.parse(vector.body, trace=trace)
        size = len(vector.body)
        trailing = [(size - len(vector.trailing), size)] if vector.trailing else []
        assert unowned(trace.parts, size) == trailing, str(vector)
        for part in leaves(trace.parts):
            assert vector.body[part.start : part.end] == encoded(part), f"{vector}: {part.name}"
        if index % 8 == 0:
            lines = table([*rows(trace.parts, vector.body)]).splitlines()
            assert max(map(len, lines)) <= WIDTH


def leaves(parts: list[Any]) -> Iterator[Any]:
    """The parts that are bytes or a number."""
    for part in parts:
        if is_pointer(part) or part.parts:
            yield from leaves(part.parts)
        elif isinstance(part.value, int | bytes):
            yield part


def encoded(part: Any) -> bytes:
    if isinstance(part.value, bytes):
        return part.value
    return part.value.to_bytes(part.end - part.start, "little", signed=part.value < 0)


def test_json_says_what_the_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = explain(capsys, SPICE, "main.mouse_mode", "--json", "03004200ff")
    shown = json.loads(out)
    assert status == 0
    assert [shown[key] for key in ("channel", "direction", "id", "message", "error")] == [
        "main",
        "server",
        105,
        "mouse_mode",
        None,
    ]
    assert shown["fields"][1] == {
        "name": "current_mode",
        "start": 2,
        "end": 4,
        "value": 66,
        "words": "CLIENT | 0x40",
    }
    assert shown["unowned"] == [{"start": 4, "end": 5}]
