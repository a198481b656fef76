"""Cursors as spice-gtk shows them: every type, from its cache, after a reset."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interop.browser import HTML5, LOOK_AGAIN, browser, html5_pages, viewer_page
from interop.embedded import EmbeddedServer, embedded_server
from interop.gtk_viewer import GtkViewer
from interop.peers import PATIENCE, missing, require_peer
from redspice.channels.cursor_cache import MAX_CURSORS
from redspice.interfaces import CursorShape
from redspice.interfaces.cursor import LAYOUTS
from redspice_protocol.enums import CursorType

# spice-gtk reads the rows of a mask as if no bits were left over at their ends.
WIDTH, HEIGHT = 24, 9
CLEAR, BLACK, WHITE = bytes(4), b"\0\0\0\xff", b"\xff" * 4

Connect = Callable[..., GtkViewer]


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with embedded_server() as running:
        yield running


@pytest.fixture
def viewer(server: EmbeddedServer, connect: Connect) -> GtkViewer:
    viewer = connect(server)
    viewer.wait_opened()
    return viewer


class Picture:
    """Random bytes as a cursor of one type, and what its pixels are."""

    def __init__(self, type: CursorType) -> None:
        self.type = type
        # The unused byte of a color stays 0: spice-gtk takes it for the opacity of clear pixels.
        layout = LAYOUTS[type]
        chance = random.Random(type)
        colors = b"".join(chance.randbytes(3) + b"\0" for _ in range(layout.colors))
        pixels = chance.randbytes(layout.bits * WIDTH // 8 * HEIGHT)
        if type == CursorType.COLOR32:
            pixels = b"".join(pixels[at : at + 3] + b"\0" for at in range(0, len(pixels), 4))
        self.masks = chance.randbytes(layout.masks * WIDTH // 8 * HEIGHT)
        self.pixels, self.colors = pixels, colors
        self.shape = CursorShape(WIDTH, HEIGHT, 3, 4, pixels + colors + self.masks, type)

    def rgba(self) -> bytes:
        return b"".join(self._pixel(number) for number in range(WIDTH * HEIGHT))

    def _pixel(self, number: int) -> bytes:
        if self.type == CursorType.ALPHA:
            blue, green, red, alpha = self.pixels[number * 4 :][:4]
            return bytes((red, green, blue, alpha))
        masked = self._bit(number)
        if self.type == CursorType.MONO:
            # What is to invert the screen is white.
            lit = self._bit(WIDTH * HEIGHT + number)
            return WHITE if lit else CLEAR if masked else BLACK
        return self._color(number) + (b"\0" if masked else b"\xff")

    def _bit(self, number: int) -> int:
        return self.masks[number // 8] >> (7 - number % 8) & 1

    def _color(self, number: int) -> bytes:
        if self.type == CursorType.COLOR16:
            value = int.from_bytes(self.pixels[number * 2 :][:2], "little")
            return bytes((value >> shift & 31) << 3 for shift in (10, 5, 0))
        if self.type == CursorType.COLOR32:
            return self.pixels[number * 4 :][:3][::-1]
        assert self.type == CursorType.COLOR4
        index = self.pixels[number // 2] >> (0 if number % 2 else 4) & 15
        return self.colors[index * 4 :][:3][::-1]


def shape(number: int, side: int = 8) -> CursorShape:
    """One of many that differ."""
    return CursorShape(
        side, side, 0, 0, number.to_bytes(3, "little") * side * side + bytes(side**2)
    )


def show(server: EmbeddedServer, viewer: GtkViewer, shape: CursorShape) -> bytes:
    """Set a cursor; returns what the viewer shows then, RGBA."""
    before = len(viewer.events("cursor-set"))
    server.call(lambda: server.qxl.set_cursor(shape, 10, 20))
    told = viewer.wait_for_count(before + 1, "cursor-set")[before]
    assert told == ["cursor-set", shape.width, shape.height, shape.hot_x, shape.hot_y]
    _, width, height, hot_x, hot_y, pixels = viewer.ask("cursor", "cursor")
    assert (width, height, hot_x, hot_y) == (shape.width, shape.height, shape.hot_x, shape.hot_y)
    assert isinstance(pixels, str)
    return bytes.fromhex(pixels)


def rgba(shape: CursorShape) -> bytes:
    pixels = shape.pixels
    return b"".join(
        bytes((pixels[at + 2], pixels[at + 1], pixels[at], pixels[at + 3]))
        for at in range(0, len(pixels), 4)
    )


def sent(server: EmbeddedServer) -> int:
    """Bytes that the server has sent on the cursor channel."""

    def count() -> int:
        channel = server.reds.channels.find(4, 0)
        assert channel is not None
        return channel.out_bytes

    return server.call(count)


# types


@pytest.mark.parametrize(
    "type",
    [
        CursorType.ALPHA,
        CursorType.MONO,
        CursorType.COLOR4,
        CursorType.COLOR16,
        CursorType.COLOR32,
    ],
    ids=lambda type: type.name,
)
def test_a_cursor_of_each_type_is_shown_pixel_for_pixel(
    server: EmbeddedServer, viewer: GtkViewer, type: CursorType
) -> None:
    picture = Picture(type)
    assert show(server, viewer, picture.shape) == picture.rgba()


@pytest.mark.parametrize("type", [CursorType.COLOR8, CursorType.COLOR24], ids=lambda t: t.name)
def test_what_spice_gtk_cannot_show_is_clear_and_does_no_harm(
    server: EmbeddedServer, viewer: GtkViewer, type: CursorType
) -> None:
    assert show(server, viewer, Picture(type).shape) == CLEAR * (WIDTH * HEIGHT)
    assert show(server, viewer, shape(1)) == rgba(shape(1))


# the cache


def test_a_cursor_that_is_shown_three_times_is_sent_once(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    first, second = shape(1, side=64), shape(2, side=64)
    costs = []
    for one in (first, second, first, second, first):
        before = sent(server)
        assert show(server, viewer, one) == rgba(one)
        costs.append(sent(server) - before)
    new, again = costs[:2], costs[2:]
    assert all(64 * 64 * 4 < cost < 64 * 64 * 4 + 100 for cost in new)
    assert all(cost < 100 for cost in again)


def test_the_cursor_that_a_viewer_found_is_remembered(
    server: EmbeddedServer, connect: Connect
) -> None:
    server.call(lambda: server.qxl.set_cursor(shape(1), 1, 1))
    viewer = connect(server)
    viewer.wait_opened()
    assert show(server, viewer, shape(2)) == rgba(shape(2))
    assert show(server, viewer, shape(1)) == rgba(shape(1))


def test_cursors_that_were_dropped_are_shown_again(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    for number in range(MAX_CURSORS + 10):
        show(server, viewer, shape(number))
    for number in (0, 9, 10, MAX_CURSORS):
        assert show(server, viewer, shape(number)) == rgba(shape(number))
    assert viewer.events("closed") == []


def test_after_a_reset_cursors_are_shown_again(server: EmbeddedServer, viewer: GtkViewer) -> None:
    show(server, viewer, shape(1))
    server.call(server.qxl.reset_cursor)
    viewer.wait_for_count(1, "cursor-reset")
    assert show(server, viewer, shape(1)) == rgba(shape(1))


CSS_CURSORS = """
    [...document.querySelectorAll("*")].map(e => e.style && e.style.cursor).filter(c => c).join()
"""


def test_spice_html5_shows_a_cursor_again(server: EmbeddedServer, tmp_path: Path) -> None:
    """It has no cache: what is said to be in it would be an empty picture."""
    require_peer("chromium")
    if not HTML5.is_dir():
        missing("not installed: spice-html5 (make peers)")
    with browser(tmp_path / "profile") as page, html5_pages() as pages:
        page.call("Page.navigate", url=viewer_page(pages, server.port))
        pause = threading.Event()

        def wait_until(happened: Callable[[], object]) -> None:
            deadline = time.monotonic() + PATIENCE
            while not happened():
                assert time.monotonic() < deadline, page.console
                pause.wait(LOOK_AGAIN)

        def styles(one: CursorShape) -> str:
            """What the page makes of a cursor that is set, which is not what it was before."""
            before = page.evaluate(CSS_CURSORS)
            server.call(lambda: server.qxl.set_cursor(one))
            wait_until(lambda: page.evaluate(CSS_CURSORS) not in (before, ""))
            return str(page.evaluate(CSS_CURSORS))

        wait_until(page.picture)
        first, second = styles(shape(1)), styles(shape(200))
        assert first != second
        assert [styles(shape(1)), styles(shape(200))] == [first, second]


# the rest


def test_a_trail_is_accepted(server: EmbeddedServer, viewer: GtkViewer, connect: Connect) -> None:
    server.call(lambda: server.qxl.set_cursor_trail(3, 20))
    assert show(server, viewer, shape(1)) == rgba(shape(1))
    viewer.quit()
    other = connect(server, "other")
    other.wait_opened()
    assert show(server, other, shape(2)) == rgba(shape(2))


def test_a_hidden_cursor_is_hidden(server: EmbeddedServer, viewer: GtkViewer) -> None:
    show(server, viewer, shape(1))
    before = len(viewer.events("cursor-hide"))
    server.call(lambda: server.qxl.set_cursor(shape(2), visible=False))
    viewer.wait_for_count(before + 1, "cursor-hide")
    assert viewer.events("cursor-set", "cursor-hide")[-1] == ["cursor-hide"]


def test_a_cursor_that_was_hidden_before_the_viewer_came_is_hidden(
    server: EmbeddedServer, connect: Connect
) -> None:
    server.call(lambda: server.qxl.set_cursor(shape(1), visible=False))
    viewer = connect(server)
    viewer.wait_opened()
    viewer.wait_for(["cursor-hide"])
    cursor = [event[0] for event in viewer.events("cursor-set", "cursor-hide")]
    assert cursor[-1] == "cursor-hide"
    server.call(lambda: server.qxl.move_cursor(5, 6))
    viewer.wait_for_count(1 + cursor.count("cursor-set"), "cursor-set")
