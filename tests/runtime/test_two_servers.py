"""Two servers in one process have nothing in common."""

from __future__ import annotations

from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState
from runtime.fake_core import FakeCore
from runtime.guest import Port
from runtime.peer import Peer, Viewer, picture


def server(core: FakeCore, name: str, color: int) -> tuple[RedsState, Framebuffer]:
    reds = RedsState()
    reds.name = name
    reds.init(core)
    reds.set_ticket(name)
    framebuffer = Framebuffer(16, 8)
    framebuffer.pixels[:] = bytes([color]) * len(framebuffer.pixels)
    reds.add_interface(QxlInterface(framebuffer))
    return reds, framebuffer


def shown(viewer: Viewer, password: str, core: FakeCore) -> bytes:
    display = viewer.open_display(password=password)
    core.do_jobs()
    canvas = bytearray(16 * 8 * 4)
    picture(display.messages(), canvas, 16)
    return bytes(canvas)


def test_each_server_has_its_own_viewers_and_pictures() -> None:
    core = FakeCore()
    (one, _), (two, _) = server(core, "one", 0x11), server(core, "two", 0x22)
    viewers = Viewer(one, password="one"), Viewer(two, password="two")
    assert (len(one.clients), len(two.clients)) == (1, 1)
    assert shown(viewers[0], "one", core)[:3] == b"\x11" * 3
    assert shown(viewers[1], "two", core)[:3] == b"\x22" * 3
    one.shutdown()
    assert viewers[0].main.connection.closed
    assert not viewers[1].main.connection.closed


def test_a_password_and_a_session_are_for_one_server() -> None:
    core = FakeCore()
    (one, _), (two, _) = server(core, "one", 1), server(core, "two", 2)
    assert Peer(two).link("main", password="one") != 0
    viewer = Viewer(one, password="one")
    stranger = Peer(two)
    assert stranger.link("inputs", connection_id=viewer.session_id, password="two") != 0


def test_channel_ids_are_counted_by_each_server() -> None:
    core = FakeCore()
    (one, _), (two, _) = server(core, "one", 1), server(core, "two", 2)
    for number in range(3):
        one.add_interface(Port(f"one {number}"))
    two.add_interface(Port("two 0"))
    ids = [[c.id for c in reds.channels if c.messages.name == "port"] for reds in (one, two)]
    assert ids == [[2, 1, 0], [0]]
