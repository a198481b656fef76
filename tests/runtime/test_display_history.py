"""Whatever happens on a display, in whatever order: every viewer ends up with the framebuffer."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from redspice.caps import DisplayCap
from redspice.codecs.glz_window import GlzWindow
from redspice.display.compression import PREFERRED, Compression
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from redspice.ticket_key import Modulus
from redspice_protocol.display import MsgcDisplayPreferredCompression
from runtime.fake_core import FakeCore
from runtime.peer import DISPLAY_INIT, Received, Viewer, picture

MOST_VIEWERS = DEFAULT_LIMITS.max_glz_viewers + 3
# Rows of 800 bytes: an update of the smallest size holds a part of the screen.
SIZES = st.tuples(st.integers(1, 300), st.integers(1, 200))
FIRST_SIZE = (200, 160)
CAPS = (DisplayCap.MONITORS_CONFIG, DisplayCap.LZ4_COMPRESSION, DisplayCap.PREF_COMPRESSION)
LOSSLESS = [each for each in Compression if each is not Compression.JPEG]


@pytest.fixture(autouse=True, scope="module")
def _one_modulus(modulus: Modulus) -> Iterator[None]:
    """All servers of all runs share a modulus, as making thousands takes minutes."""
    with mock.patch("redspice.key_pool.Modulus", return_value=modulus):
        yield


class Watcher:
    """A viewer, and the screen as it has drawn it.

    As with a socket, the server says that there is something to send, and is then asked until there
    is nothing more.
    """

    def __init__(self, reds: RedsState, wish: int | None) -> None:
        self.viewer = Viewer(reds, local=False, password="")
        self.display = self.viewer.open("display", password="", channel_caps=CAPS)
        if wish is not None:
            self.display.send("preferred_compression", MsgcDisplayPreferredCompression(wish))
        self.display.send("init", DISPLAY_INIT)
        self.canvas = bytearray()
        self._size = 0, 0
        self._window = GlzWindow()

    def look(self, rounds: int | None = None) -> None:
        """Draw what has come, at most so many rounds of sending."""
        if rounds is None:
            self.display.wakes = 0
        for one in self.display.messages(rounds):
            self._draw(one)

    @property
    def woken(self) -> bool:
        return self.display.wakes > 0

    def shows(self, framebuffer: Framebuffer) -> bool:
        if self._size != (framebuffer.width, framebuffer.height):
            return False
        pixels = np.frombuffer(framebuffer.pixels, np.uint8).reshape(-1, 4)
        return bool((np.frombuffer(self.canvas, np.uint8).reshape(-1, 4) == pixels)[:, :3].all())

    def _draw(self, one: Received) -> None:
        if one.name == "surface_create":
            self._size = one.message.width, one.message.height
            self.canvas = bytearray(4 * one.message.width * one.message.height)
        elif one.name == "draw_copy":
            picture([one], self.canvas, self._size[0], self._window)


class DisplayHistory(RuleBasedStateMachine):
    """Draws, resizes, jobs, and viewers that come, look, look away and go."""

    @initialize(compression=st.sampled_from(LOSSLESS))
    def start(self, compression: Compression) -> None:
        self.core = FakeCore()
        self.reds = RedsState()
        self.reds.init(self.core)
        self.reds.set_noauth()
        self.reds.allow_multiple_clients = True
        self.reds.image_compression = compression
        self.framebuffer = Framebuffer(*FIRST_SIZE)
        self.reds.add_interface(QxlInterface(self.framebuffer))
        self.watchers: list[Watcher] = []

    @precondition(lambda self: len(self.watchers) < MOST_VIEWERS)
    @rule(wish=st.none() | st.sampled_from(sorted(PREFERRED)))
    def come(self, wish: int | None) -> None:
        self.watchers.append(Watcher(self.reds, wish))

    @precondition(lambda self: self.watchers)
    @rule(data=st.data(), broken=st.booleans())
    def go(self, data: st.DataObject, broken: bool) -> None:
        watcher = data.draw(st.sampled_from(self.watchers))
        self.watchers.remove(watcher)
        connection = watcher.display.connection if broken else watcher.viewer.main.connection
        connection.connection_lost("reset")

    @precondition(lambda self: self.watchers)
    @rule(data=st.data(), rounds=st.none() | st.integers(1, 3))
    def look(self, data: st.DataObject, rounds: int | None) -> None:
        data.draw(st.sampled_from(self.watchers)).look(rounds)

    @rule()
    def all_look(self) -> None:
        for watcher in self.watchers:
            if watcher.woken:
                watcher.look()

    @rule(
        boxes=st.lists(
            st.tuples(
                *(st.integers(-5, 300), st.integers(-5, 200)),
                *(st.integers(1, 300), st.integers(1, 200)),
            ),
            min_size=1,
            max_size=4,
        ),
        color=st.integers(0, 255),
    )
    def fill(self, boxes: list[tuple[int, int, int, int]], color: int) -> None:
        for x, y, width, height in boxes:
            self.framebuffer.fill(x, y, x + width, y + height, (color, 255 - color, 7))

    @rule(seed=st.integers(0, 99), scale=st.sampled_from([8, 256]))
    def paste(self, seed: int, scale: int) -> None:
        """A noise that cannot be compressed, or a gradient with grain."""
        y, x = np.mgrid[0:90, 0:120]
        grain = np.random.default_rng(seed).integers(0, scale, (90, 120, 4))
        pixels = ((2 * x + y)[..., None] + grain).astype(np.uint8)
        self.framebuffer.paste(seed, seed // 2, 120, 90, pixels.tobytes())

    @rule(size=SIZES)
    def resize(self, size: tuple[int, int]) -> None:
        self.framebuffer.resize(*size)

    @rule(compression=st.sampled_from(LOSSLESS))
    def choose(self, compression: Compression) -> None:
        self.reds.image_compression = compression

    @rule(jobs=st.integers(1, 4))
    def work(self, jobs: int) -> None:
        for _ in range(min(jobs, len(self.core.jobs))):
            self.core.jobs.popleft()()

    @rule(seconds=st.sampled_from([0.01, 0.2]))
    def wait(self, seconds: float) -> None:
        self.core.advance(seconds)

    def teardown(self) -> None:
        if not hasattr(self, "reds"):
            return
        self.core.do_jobs()
        while woken := [watcher for watcher in self.watchers if watcher.woken]:
            for watcher in woken:
                watcher.look()
            self.core.do_jobs()
        for watcher in self.watchers:
            assert not watcher.display.connection.closed
            assert watcher.shows(self.framebuffer)
        self.reds.shutdown()
        (display,) = self.reds.channels.displays()
        assert not display.pictures._kept


TestDisplayHistory = DisplayHistory.TestCase
TestDisplayHistory.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
