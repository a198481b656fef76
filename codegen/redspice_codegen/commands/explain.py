"""`redspice-codegen explain`: show what every byte of a message body is."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from pathlib import Path
from typing import Any

from redspice_codegen import naming
from redspice_codegen.emit import emit
from redspice_codegen.explanation import place, rows, table, unowned, unowned_rows
from redspice_codegen.live import import_texts
from redspice_codegen.load import load

HELP = "show what every byte of a message body is"
EXAMPLES = """\
examples:
  redspice-codegen explain spice.proto inputs.mouse_motion 05000000fbffffff0100
      bytes, hex, name and value of every field; 4:8 are the bytes 4, 5, 6 and 7
  redspice-codegen explain spice.proto main.104 --server 01 00 00 00 02 00 ff
      the message by its id; bytes that no field owns are listed at the end
  xxd -p body.bin | redspice-codegen explain spice.proto display.draw_copy -
      hex digits from standard input; spaces, colons and line ends do not matter
  redspice-codegen explain spice.proto smartcard.data --client --file body.bin --json
      a binary file, a name that both sides use, output for programs

exit status: 0 good, 1 the body is malformed, 2 a wrong spec or no construct, 3 usage
"""

_MALFORMED = 1
_NO_CONSTRUCT = 2
_USAGE = 3


class _UsageError(Exception):
    """What was asked for is not there, or is not clear."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "message", metavar="CHANNEL.MESSAGE", help="such as display.draw_copy or display.304"
    )
    # One argument, whatever it means: argparse of 3.11 cannot find an optional one behind options.
    parser.add_argument(
        "body", nargs="+", metavar="BODY", help="hex digits, or - to read them from standard input"
    )
    parser.add_argument("--file", action="store_true", help="BODY is the name of a binary file")
    side = parser.add_mutually_exclusive_group()
    for name in ("server", "client"):
        text = f"the message that the {name} sends, where both send one of that name or id"
        side.add_argument(f"--{name}", dest="side", action="store_const", const=name, help=text)
    parser.add_argument("--json", action="store_true", help="print JSON, nothing shortened")


def run(options: argparse.Namespace) -> int:
    protocol = load(options.spec, options.defines)
    texts = emit(protocol, naming.source_name(str(options.spec)), "construct")
    try:
        mirror = import_texts("_redspice_explained", texts)
        side, message = _message(mirror.CHANNELS, options.message, options.side)
        body = _body(options.body, options.file)
    except ImportError as error:
        if (error.name or "").split(".")[0] != "construct":
            raise
        print("explain needs the construct library, which is not installed", file=sys.stderr)
        return _NO_CONSTRUCT
    except _UsageError as error:
        print(f"explain: {error}", file=sys.stderr)
        return _USAGE
    trace, failure = mirror.Trace(), ""
    try:
        message.parse(body, trace=trace)
    except mirror.ConstructError as error:
        failure = _failure(trace.failed, str(error))
    channel = options.message.partition(".")[0]
    head = {"channel": channel, "direction": side, "id": message.number, "message": message.name}
    show = _show_json if options.json else _show_text
    try:
        show(head, body, trace.parts, failure)
    except BrokenPipeError:  # whoever reads, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _MALFORMED if failure else 0


# what is asked for


def _message(channels: Any, wanted: str, side: str | None) -> tuple[str, Any]:
    """The side that sends the message, and its construct."""
    channel_name, _, name = wanted.partition(".")
    if channel_name not in channels:
        raise _UsageError(f"no channel {channel_name}{_guess(channel_name, list(channels))}")
    channel = channels[channel_name]
    found = [
        (each, message)
        for each in ("server", "client")
        for message in getattr(channel, each).values()
        if name in (message.name, str(message.number)) and side in (None, each)
    ]
    if not found:
        names = [m.name for each in (channel.server, channel.client) for m in each.values()]
        sender = f" from the {side}" if side else ""
        text = f"channel {channel_name} has no message {name}{sender}"
        raise _UsageError(text + _guess(name, names))
    if len(found) > 1:
        raise _UsageError(f"both sides send a {wanted}: say --server or --client")
    return found[0]


def _guess(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, [each for each in known if each != name], 1)
    return f"; did you mean {close[0]}?" if close else ""


def _body(words: list[str], from_file: bool) -> bytes:
    if from_file and len(words) == 1:
        return Path(words[0]).read_bytes()
    if from_file:
        raise _UsageError("--file takes one name")
    text = sys.stdin.read() if words == ["-"] else " ".join(words)
    try:
        return bytes.fromhex(text.replace(":", " "))
    except ValueError:
        raise _UsageError("the body is not hex: two digits for each byte") from None


# what is shown


def _failure(failed: list[Any], error: str) -> str:
    """One line for a parse that failed: field, offset, reason."""
    reason = error.splitlines()[-1]
    if not failed:
        return reason
    return f"{place(failed)} at byte {failed[-1].start}: {reason}"


def _show_text(head: dict[str, Any], body: bytes, parts: list[Any], failure: str) -> None:
    name = f"{head['channel']}.{head['message']}"
    print(f"{name}, id {head['id']}, from the {head['direction']}, {len(body)} bytes\n")
    lines = [*rows(parts, body)]
    if not failure:
        lines += unowned_rows(parts, body)
    print(table(lines) if lines else "no fields, no bytes", flush=True)
    if failure:
        print(f"{name}: {failure}", file=sys.stderr)


def _show_json(head: dict[str, Any], body: bytes, parts: list[Any], failure: str) -> None:
    gaps = [] if failure else unowned(parts, len(body))
    content = head | {
        "hex": body.hex(),
        "fields": [_part_json(part) for part in parts],
        "unowned": [{"start": start, "end": end} for start, end in gaps],
        "error": failure or None,
    }
    print(json.dumps(content, indent=2), flush=True)


def _part_json(part: Any) -> dict[str, Any]:
    """A part with its value, or with its parts where it has some; what failed has no end."""
    content: dict[str, Any] = {"name": part.name, "start": part.start, "end": part.end}
    if part.parts:
        return content | {"parts": [_part_json(each) for each in part.parts]}
    match part.value:
        case bytes(octets):
            content["value"] = f"hex:{octets.hex()}"
        case None | int() | list() | dict():
            content["value"] = part.value
    return content | ({"words": part.words} if part.words else {})
