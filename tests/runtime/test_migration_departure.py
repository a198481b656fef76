"""A viewer takes the state of its channels along: what each says last, and nothing after that."""

from __future__ import annotations

import pytest

from redspice.caps import MainCap
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import KeyboardInterface, MigrationInterface, QxlInterface
from redspice.migration.data import DisplayData, InputsData, MainData
from redspice.reds import RedsState
from redspice_protocol.base import MsgcPong, MsgData
from redspice_protocol.inputs import MsgcInputsKeyDown, MsgcInputsMouseMotion
from redspice_protocol.main import MsgcMainMigrateDstDoSeamless
from runtime.fake_core import FakeCore
from runtime.peer import DISPLAY_INIT, PASSWORD, Peer, Received, Viewer, picture

WIDTH, HEIGHT = 64, 48
CHANNELS = ("main", "display", "inputs", "cursor")
ONLY_MIGRATE = {name: ["migrate"] for name in CHANNELS}
NOISE = bytes(range(256)) * (WIDTH * HEIGHT // 64)


class Keyboard(KeyboardInterface):
    def __init__(self) -> None:
        self.fragments = bytearray()

    def push_scan_freg(self, fragment: int) -> None:
        self.fragments.append(fragment)


class Embedder(MigrationInterface):
    def __init__(self) -> None:
        self.ended = 0

    def end_complete(self) -> None:
        self.ended += 1


class Machine:
    """A server with a screen and a keyboard."""

    def __init__(self, core: FakeCore, colour: tuple[int, int, int]) -> None:
        self.reds = RedsState()
        self.reds.init(core)
        self.reds.set_ticket(PASSWORD)
        self.reds.seamless_migration = True
        self.framebuffer = Framebuffer(WIDTH, HEIGHT)
        self.framebuffer.fill(0, 0, WIDTH, HEIGHT, colour)
        self.keyboard, self.embedder = Keyboard(), Embedder()
        for each in (QxlInterface(self.framebuffer), self.keyboard, self.embedder):
            self.reds.add_interface(each)


@pytest.fixture
def source(core: FakeCore) -> Machine:
    return Machine(core, (1, 2, 3))


class Traveller:
    """A viewer on a network that has opened everything, and was asked to go seamlessly."""

    def __init__(self, machine: Machine) -> None:
        self.reds = machine.reds
        viewer = Viewer(machine.reds, local=False, channel_caps=tuple(MainCap))
        self.session_id = viewer.session_id
        self.peers = {"main": viewer.main}
        viewer.main.acking = True
        for ping in (one.message for one in viewer.greeting if one.name == "ping"):
            viewer.main.send("pong", MsgcPong(id=ping.id, timestamp=ping.timestamp))
        self.peers["display"] = viewer.open_display()
        self.peers["inputs"] = viewer.open("inputs")
        self.peers["cursor"] = viewer.open("cursor")
        self.read()

    def read(self) -> dict[str, list[Received]]:
        core = self.reds.core
        assert isinstance(core, FakeCore)
        received: dict[str, list[Received]] = {name: [] for name in self.peers}
        while any(batch := [(name, peer.messages()) for name, peer in self.peers.items()]):
            for name, messages in batch:
                received[name] += messages
            core.do_jobs()
            if not any(messages for _, messages in batch):
                return received
        return received

    def names(self) -> dict[str, list[str]]:
        return {name: [one.name for one in batch] for name, batch in self.read().items()}

    def get_ready(self) -> None:
        """Connect to another server, as it is told to."""
        self.reds.migrate_connect("elsewhere", 1)
        self.read()
        self.peers["main"].send("migrate_connected_seamless")

    def go(self) -> None:
        """From the first question until MIGRATE is on its way."""
        self.get_ready()
        self.reds.migrate_end(True)

    def flush(self) -> dict[str, bytes]:
        """Say on all channels that nothing more comes; returns the data."""
        data = {}
        for name in ("main", "display", "inputs"):
            self.peers[name].send("migrate_flush_mark")
            (received,) = self.peers[name].messages()
            assert received.name == "migrate_data"
            data[name] = bytes(received.message.data)
        return data


@pytest.fixture
def traveller(source: Machine) -> Traveller:
    return Traveller(source)


def test_each_channel_ends_with_migrate_and_its_data(traveller: Traveller) -> None:
    traveller.go()
    received = traveller.read()
    assert {name: [one.name for one in batch] for name, batch in received.items()} == ONLY_MIGRATE
    flags = {name: batch[0].message.flags for name, batch in received.items()}
    assert flags == {"main": 3, "display": 3, "inputs": 3, "cursor": 0}
    data = traveller.flush()
    assert MainData.parse(data["main"]) == MainData()
    assert InputsData.parse(data["inputs"]) == InputsData()
    display = DisplayData.parse(data["display"])
    assert display.surfaces == (0,)
    assert display.pixmap_cache_freezer
    assert (display.pixmap_cache_id, display.glz_dict_id) == (1, 1)
    assert display.glz_window == 1 << 20


def test_what_waits_goes_first(source: Machine, traveller: Traveller) -> None:
    source.reds.clients[0].main.notify("one more thing")  # type: ignore[union-attr]
    source.reds.migrate_connect("elsewhere", 1)
    traveller.peers["main"].send("migrate_connected_seamless")
    source.reds.migrate_end(True)
    names = traveller.names()["main"]
    assert names == ["notify", "migrate_begin_seamless", "migrate"]


def test_nothing_is_said_after_migrate(
    source: Machine, core: FakeCore, traveller: Traveller
) -> None:
    traveller.go()
    source.framebuffer.fill(0, 0, 8, 8, (9, 9, 9))
    source.reds.kbd_leds(7)
    source.reds.main.push_mouse_mode()
    traveller.peers["inputs"].send("mouse_motion", MsgcInputsMouseMotion(1, 1, 0))
    traveller.peers["main"].send("attach_channels")
    assert traveller.names() == ONLY_MIGRATE
    traveller.flush()
    core.advance(9)
    source.framebuffer.fill(0, 0, 8, 8, (1, 1, 1))
    assert traveller.names() == {name: [] for name in CHANNELS}


def test_what_the_viewer_still_says_is_heard(source: Machine, traveller: Traveller) -> None:
    traveller.go()
    traveller.peers["inputs"].send("key_down", MsgcInputsKeyDown(code=0x1E))
    for _ in range(3):
        traveller.peers["inputs"].send("mouse_motion", MsgcInputsMouseMotion(1, 1, 0))
    traveller.read()
    data = traveller.flush()
    assert source.keyboard.fragments == b"\x1e"
    assert InputsData.parse(data["inputs"]).motion_count == 3


def test_a_picture_that_is_being_encoded_goes_first(
    source: Machine, core: FakeCore, traveller: Traveller
) -> None:
    display = traveller.peers["display"]
    traveller.get_ready()
    source.framebuffer.paste(0, 0, WIDTH, HEIGHT, NOISE)
    assert display.names() == []
    source.reds.migrate_end(True)
    assert display.names() == []
    core.do_jobs()
    assert display.names() == ["draw_copy", "migrate"]


def test_all_displays_wait_for_the_ids_of_each_other(source: Machine, core: FakeCore) -> None:
    second = Framebuffer(WIDTH, HEIGHT)
    source.reds.add_interface(QxlInterface(second, id=1))
    traveller = Traveller(source)
    other = Peer(source.reds)
    other.acking = True
    assert other.link("display", channel_id=1, connection_id=traveller.session_id) == 0
    other.send("init", DISPLAY_INIT)
    traveller.peers["other"] = other
    traveller.read()
    traveller.get_ready()
    second.paste(0, 0, WIDTH, HEIGHT, NOISE)
    assert other.names() == []
    source.reds.migrate_end(True)
    display = traveller.peers["display"]
    assert display.names() == []
    wakes = display.wakes
    core.do_jobs()
    assert display.wakes > wakes
    assert display.names() == ["migrate"]
    assert other.names()[-1] == "migrate"
    saved = []
    for peer in (display, other):
        peer.send("migrate_flush_mark")
        saved.append(DisplayData.parse(peer.messages()[0].message.data))
    assert [one.pixmap_cache_freezer for one in saved] == [True, False]
    assert saved[0].glz_next_id == saved[1].glz_next_id


def test_a_display_that_has_not_begun_has_nothing_to_save(source: Machine) -> None:
    viewer = Viewer(source.reds, channel_caps=tuple(MainCap))
    display = viewer.open("display")
    source.reds.migrate_connect("elsewhere", 1)
    viewer.main.send("migrate_connected_seamless")
    source.reds.migrate_end(True)
    display.messages()
    display.send("migrate_flush_mark")
    (received,) = display.messages()
    saved = DisplayData.parse(received.message.data)
    assert (saved.surfaces, saved.glz_window) == ((), 0)


def test_serials_are_told_with_either_header(source: Machine) -> None:
    viewer = Viewer(source.reds, channel_caps=tuple(MainCap))
    display = viewer.open("display", common_caps=(0, 1))
    display.send("init", DISPLAY_INIT)
    display.messages()
    source.reds.migrate_connect("elsewhere", 1)
    viewer.main.send("migrate_connected_seamless")
    source.reds.migrate_end(True)
    display.messages()
    display.send("migrate_flush_mark")
    (received,) = display.messages()
    assert DisplayData.parse(received.message.data).message_serial == received.serial


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_flush_mark_out_of_turn_is_an_error(traveller: Traveller, channel: str) -> None:
    traveller.peers[channel].send("migrate_flush_mark")
    assert traveller.peers[channel].connection.closed


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_flush_mark_too_many_is_an_error(traveller: Traveller, channel: str) -> None:
    traveller.go()
    traveller.read()
    for _ in range(2 if channel != "cursor" else 1):
        assert not traveller.peers[channel].connection.closed
        traveller.peers[channel].send("migrate_flush_mark")
    assert traveller.peers[channel].connection.closed


def test_it_ends_when_the_viewer_hangs_up(
    source: Machine, core: FakeCore, traveller: Traveller
) -> None:
    traveller.go()
    traveller.read()
    traveller.flush()
    core.advance(0)
    assert source.embedder.ended == 0
    for name in ("display", "inputs", "cursor", "main"):
        traveller.peers[name].connection.receive_eof()
    core.advance(0)
    assert source.embedder.ended == 1
    assert source.reds.clients == []


def test_it_ends_when_the_viewer_does_nothing(
    source: Machine, core: FakeCore, traveller: Traveller
) -> None:
    traveller.go()
    core.advance(10)
    assert source.embedder.ended == 1
    assert source.reds.clients == []
    assert traveller.peers["main"].connection.closed


def test_a_viewer_that_moves_and_moves_on(core: FakeCore, source: Machine) -> None:
    """From one server to the next, twice, without starting anew."""
    traveller = Traveller(source)
    for colour in ((9, 9, 9), (200, 100, 50)):
        target = Machine(core, colour)
        traveller.go()
        traveller.read()
        data = traveller.flush()
        moved = {name: Peer(target.reds) for name in CHANNELS}
        for name, peer in moved.items():
            peer.acking = True
            caps = {"channel_caps": tuple(MainCap)} if name == "main" else {}
            assert peer.link(name, connection_id=traveller.session_id, **caps) == 0
        moved["main"].send("migrate_dst_do_seamless", MsgcMainMigrateDstDoSeamless(1))
        assert moved["main"].names() == ["migrate_dst_seamless_ack"]
        for name, state in data.items():
            moved[name].send("migrate_data", MsgData(state))
        for peer in traveller.peers.values():
            peer.connection.receive_eof()
        traveller.peers, traveller.reds = moved, target.reds
        canvas = bytearray(WIDTH * HEIGHT * 4)
        picture(traveller.read()["display"], canvas, WIDTH)
        assert canvas == bytes((*colour, 0)) * (WIDTH * HEIGHT)
        moved["inputs"].send("key_down", MsgcInputsKeyDown(code=0x1E))
        assert target.keyboard.fragments == b"\x1e"
