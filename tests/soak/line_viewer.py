"""`python -m soak.line_viewer HOST PORT SIZE SECONDS`: a viewer at the end of a line.

Presses or releases a key twice a second and waits until the window that echoes keys shows just what
it has to show then. Prints how long that took, and what else happened, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field

import numpy as np

from redspice.cli.source import parse_size
from redspice.codecs.glz_window import GlzWindow
from redspice.sources.demo import Demo
from redspice.sources.layout import Part, layout
from redspice_protocol import CHANNELS
from redspice_protocol.inputs import MsgcInputsKeyDown, MsgcInputsKeyUp
from redspice_protocol.structs import Rect
from runtime.peer import decode_image
from soak.viewer import Viewer, open_viewer

INTERVAL = 0.5
PATIENCE = 60.0
KEYS = (0x1E, 0x30, 0x2E, 0x20)
"""Scan codes of a, b, c, d."""
RELEASE = 0x80
QUIET = 3.0
"""Seconds before the first key: the whole screen comes first."""

COLORS = 3
"""Bytes of a pixel that count; the fourth is padding."""

DRAW_COPY = CHANNELS["display"].server.by_name["draw_copy"]


@dataclass
class Report:
    """What the viewer saw."""

    delays: list[float] = field(default_factory=list)
    """Seconds from each key to its picture."""
    unseen: int = 0
    """Keys that were not on the screen when the next one was due, and had to wait for it."""
    bytes_per_second: float = 0.0
    ended: str | None = None
    """Why the session ended before its time."""
    longest_gap: float = 0.0
    """Seconds without a picture."""


class KeyWatch:
    """Draws what comes, and knows how the window that echoes keys has to look.

    A demo of its own gets the same keys, so nothing that an earlier key has drawn, and no part of a
    picture, is taken for the answer to the last one.
    """

    def __init__(self, viewer: Viewer, size: tuple[int, int]) -> None:
        width, height = size
        self._demo = Demo(width, height, frozen=True)
        self._screen = np.zeros((height, width, COLORS), np.uint8)
        box = layout(width, height).windows[Part.ECHO].body
        self._echo = slice(box.top, box.bottom), slice(box.left, box.right), slice(COLORS)
        self._window = GlzWindow()
        self._last_picture = time.monotonic()
        self.longest_gap = 0.0
        self.seen = asyncio.Event()
        viewer.display.on_message = self._look

    def expect(self, code: int) -> None:
        """From now on `seen` means that this key is on the screen."""
        self._demo.typist.push(code)
        self._demo.desktop.show_keys(self._demo.typist)
        self.seen.clear()
        self._compare()
        assert not self.seen.is_set(), "a key that changes nothing measures nothing"

    def gap(self) -> float:
        """The longest time without a picture, up to now."""
        return max(self.longest_gap, time.monotonic() - self._last_picture)

    def _look(self, name: str, body: bytes) -> None:
        if name != "draw_copy":
            return
        now = time.monotonic()
        self.longest_gap = max(self.longest_gap, now - self._last_picture)
        self._last_picture = now
        message = DRAW_COPY.demarshal(body)
        box = message.base.box
        picture = decode_image(message.data.src_bitmap, self._window)
        self._screen[box.top : box.bottom, box.left : box.right] = picture[..., :COLORS]
        # The motion draws elsewhere, and to compare is work for which a busy viewer has no time.
        if not self.seen.is_set() and self._in_echo(box):
            self._compare()

    def _in_echo(self, box: Rect) -> bool:
        rows, columns, _ = self._echo
        return (
            box.top < rows.stop
            and box.bottom > rows.start
            and box.left < columns.stop
            and box.right > columns.start
        )

    def _compare(self) -> None:
        height, width, _ = self._screen.shape
        pixels = np.frombuffer(self._demo.framebuffer.pixels, np.uint8)
        expected = pixels.reshape(height, width, -1)
        if np.array_equal(self._screen[self._echo], expected[self._echo]):
            self.seen.set()


async def press(viewer: Viewer, watch: KeyWatch, report: Report, code: int) -> None:
    """Press and release a key and wait until both are on the screen."""
    inputs = viewer.channels["inputs"]
    for name, message in (
        ("key_down", MsgcInputsKeyDown(code=code)),
        ("key_up", MsgcInputsKeyUp(code=code | RELEASE)),
    ):
        watch.expect(message.code)
        started = time.monotonic()
        inputs.send(name, message)
        gone = asyncio.ensure_future(viewer.display.gone)
        seen = asyncio.create_task(watch.seen.wait())
        await asyncio.wait((seen, gone), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        seen.cancel()
        if gone.done():
            report.ended = gone.result()
            return
        if not watch.seen.is_set():
            report.unseen += 1
            return
        report.delays.append(time.monotonic() - started)
        await asyncio.sleep(max(0.0, started + INTERVAL - time.monotonic()))


async def watch_line(host: str, port: int, size: tuple[int, int], seconds: float) -> Report:
    report = Report()
    viewer = await open_viewer((host, port), ("inputs",), patience=PATIENCE)
    watch = KeyWatch(viewer, size)
    while not viewer.display.counts["mark"]:
        await asyncio.sleep(0.05)
    await asyncio.sleep(QUIET)
    watch.longest_gap = 0.0
    started, before = time.monotonic(), viewer.display.bytes
    keys = iter(KEYS * 1000)
    while time.monotonic() - started < seconds and report.ended is None:
        await press(viewer, watch, report, next(keys))
    took = time.monotonic() - started
    report.bytes_per_second = (viewer.display.bytes - before) / took
    report.longest_gap = watch.gap()
    viewer.close()
    return report


if __name__ == "__main__":
    host, port, size, seconds = sys.argv[1:]
    report = asyncio.run(watch_line(host, int(port), parse_size(size), float(seconds)))
    print(json.dumps(asdict(report)))
