"""A viewer that stops reading or answering, and what the others get: everything, as without it."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from redspice.channels.display import DisplayChannelClient
from redspice.codecs.glz_window import GlzWindow
from redspice.display.compression import Compression
from redspice.display.framebuffer import Box, Framebuffer
from redspice.display.pictures import MAX_BYTES
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState
from redspice.ticket_key import Modulus
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer, picture

WIDTH, HEIGHT = 160, 100
NUMBER = Box(0, 0, 16, 16)
"""Where the number of the frame is shown, as a colour."""
LARGE, SMALL = (50, 60), (5, 4)
"""What moves besides: a few large ones do not fit one update, any number of small ones do."""

OTHERS = 3

# Draw a frame; let a viewer look; do the jobs; ask what the stalled viewer would be sent.
steps = st.lists(
    st.tuples(st.just("draw"), st.integers(0, 140))
    | st.tuples(st.just("look"), st.integers(0, OTHERS - 1))
    | st.tuples(st.just("work"), st.just(0))
    | st.tuples(st.just("ask"), st.just(0)),
    max_size=60,
)


def history(steps: str) -> list[tuple[str, int]]:
    """A script in short: `history("draw look1")`."""
    return [
        (step.rstrip("012"), int(step[-1]) if step[-1].isdigit() else 0) for step in steps.split()
    ]


@pytest.fixture(autouse=True, scope="module")
def _one_modulus(modulus: Modulus) -> Iterator[None]:
    """All servers of all runs share a modulus, as making thousands takes minutes."""
    with mock.patch("redspice.key_pool.Modulus", return_value=modulus):
        yield


class Watcher:
    """A viewer that reads the numbers of the frames."""

    def __init__(self, reds: RedsState) -> None:
        viewer = Viewer(reds, local=False, password="")
        self.peer = viewer.open_display(password="")
        self.canvas = bytearray(WIDTH * HEIGHT * 4)
        self._window = GlzWindow()

    def look(self) -> int:
        """The frame that is shown when all that has come is drawn."""
        picture(self.peer.messages(), self.canvas, WIDTH, self._window)
        return int.from_bytes(self.canvas[:3], "little")


class Show:
    """A server that shows numbered frames, its viewers, and perhaps one that is stalled."""

    def __init__(
        self, compression: Compression, *, stalled: bool, moving: tuple[int, int] = LARGE
    ) -> None:
        self.core = FakeCore()
        self.reds = RedsState()
        self.reds.init(self.core)
        self.reds.set_noauth()
        self.reds.allow_multiple_clients = True
        self.reds.image_compression = compression
        self.framebuffer = Framebuffer(WIDTH, HEIGHT)
        self.reds.add_interface(QxlInterface(self.framebuffer))
        self.number = 0
        self._moving = moving
        self.stalled = self._open_stalled() if stalled else None
        self.watchers = [Watcher(self.reds) for _ in range(OTHERS)]
        for watcher in self.watchers:
            self.settle(watcher)

    def _open_stalled(self) -> Peer:
        viewer = Viewer(self.reds, local=False, password="")
        return viewer.open_display(password="", acking=False)

    def draw(self, place: int) -> None:
        self.number += 1
        width, height = self._moving
        color = self.number.to_bytes(3, "little")
        self.framebuffer.fill(*NUMBER, color)
        self.framebuffer.fill(place, 20, place + width, 20 + height, color)

    def ask(self) -> None:
        if self.stalled is not None:
            self.stalled.read()

    def settle(self, watcher: Watcher) -> int:
        """What a viewer shows when nothing is left to be done for it."""
        watcher.look()
        while self.core.jobs:
            self.core.do_jobs()
            watcher.look()
        return watcher.look()

    def play(self, script: list[tuple[str, int]]) -> list[int]:
        """What the viewers show each time that they look."""
        seen = []
        for step, choice in script:
            if step == "draw":
                self.draw(choice)
            elif step == "look":
                seen.append(self.watchers[choice].look())
            elif step == "work":
                self.core.do_jobs()
            else:
                self.ask()
        return seen


class Alone:
    """What a viewer shows that is the only one, and so gets nothing that was encoded for others."""

    def __init__(self) -> None:
        self._shown = 0
        self._asked: int | None = None
        self._encoded = False

    def work(self) -> None:
        self._encoded = True

    def look(self, number: int) -> int:
        if self._asked is not None and self._encoded:
            self._shown, self._asked = self._asked, None
        if self._asked is None and self._shown < number:
            self._asked, self._encoded = number, False
        return self._shown


def seen_alone(script: list[tuple[str, int]]) -> list[int]:
    """What `Show.play` returns if no viewer learns of any other."""
    number, seen = 0, []
    viewers = [Alone() for _ in range(OTHERS)]
    for step, choice in script:
        if step == "draw":
            number += 1
        elif step == "look":
            seen.append(viewers[choice].look(number))
        elif step == "work":
            for viewer in viewers:
                viewer.work()
    return seen


@pytest.mark.parametrize("compression", [Compression.LZ, Compression.GLZ])
@example(script=history("draw ask look0 work look0"))
@example(script=history("draw look2 look0 work look0 look2"))
@given(script=steps)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_others_never_see_an_older_frame_than_if_they_were_alone(
    compression: Compression, script: list[tuple[str, int]]
) -> None:
    """Not "than without it": a picture that was encoded for it, and so is there sooner, may have a
    viewer begin the next one before a frame that it would have got otherwise."""
    seen = Show(compression, stalled=True, moving=SMALL).play(script)
    assert all(beside >= alone for beside, alone in zip(seen, seen_alone(script), strict=True))


@given(script=steps)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_others_see_the_same_as_without_it_where_nothing_is_encoded(
    script: list[tuple[str, int]],
) -> None:
    without = Show(Compression.OFF, stalled=False).play(script)
    assert Show(Compression.OFF, stalled=True).play(script) == without


@pytest.mark.parametrize("compression", [Compression.OFF, Compression.LZ, Compression.GLZ])
@given(script=steps)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_others_miss_no_frame(compression: Compression, script: list[tuple[str, int]]) -> None:
    show = Show(compression, stalled=True)
    for step, choice in script:
        show.play([(step, choice)])
        if step == "draw":
            shown = [show.settle(watcher) for watcher in show.watchers]
            assert shown == [show.number] * OTHERS


@pytest.mark.parametrize("asked", [False, True])
def test_it_costs_no_more_than_an_update(asked: bool) -> None:
    show = Show(Compression.OFF, stalled=True)
    assert show.stalled is not None
    client = show.stalled.connection.channel_client
    assert isinstance(client, DisplayChannelClient)
    for n in range(300):
        show.draw(n % 140)
        if asked:
            show.ask()
            show.stalled.inbox.clear()
        for watcher in show.watchers:
            assert watcher.look() == show.number
    waiting = [item.size for item, _ in client.pipe._items]
    assert sum(waiting) <= 1.1 * WIDTH * HEIGHT * 4
    pictures = client.channel.pictures._kept.values()
    assert sum(one.image_bytes for one in pictures) <= MAX_BYTES
