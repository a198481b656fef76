"""Taking viewers in that come from another server: who is held, and what sets them free."""

from __future__ import annotations

from typing import Any

import pytest

from redspice.caps import MainCap
from redspice.channel import TRANSFER, RedChannel
from redspice.channels.display import DisplayChannel
from redspice.channels.inputs import InputsChannel
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ProtocolError
from redspice.interfaces import (
    ChannelEvent,
    ChannelEventInfo,
    KeyboardInterface,
    PlaybackInterface,
    QxlInterface,
)
from redspice.limits import Limits
from redspice.migration.arrival import MAX_DATA_SIZE, MAX_HELD
from redspice.migration.data import DisplayData, InputsData, LossyArea, MainData
from redspice.migration.movable import Movable
from redspice.migration.target import MOVES, Sign, Stage
from redspice.reds import RedsState
from redspice_protocol.base import MsgData
from redspice_protocol.enums import LinkErr
from redspice_protocol.inputs import MsgcInputsKeyDown, MsgcInputsMouseMotion
from redspice_protocol.main import MsgcMainMigrateDstDoSeamless, MsgcMainMouseModeRequest
from runtime.fake_core import FakeCore
from runtime.peer import DISPLAY_INIT, PASSWORD, Peer, Viewer, picture

SESSION = 0x1234567
WIDTH, HEIGHT = 16, 8
RED = b"\x00\x00\xff\x00"
MAIN, INPUTS = MainData().build(), InputsData(motion_count=3).build()
DISPLAY = DisplayData(
    message_serial=41,
    pixmap_cache_id=1,
    pixmap_cache_size=1 << 20,
    glz_dict_id=1,
    glz_window=1 << 20,
    glz_next_id=7,
    surfaces=(0,),
).build()


class Keyboard(KeyboardInterface):
    def __init__(self) -> None:
        self.fragments = bytearray()
        self.broken = False

    def push_scan_freg(self, fragment: int) -> None:
        self.fragments.append(fragment)

    def get_leds(self) -> int:
        if self.broken:
            raise RuntimeError("no keyboard")
        return 2


@pytest.fixture
def keyboard() -> Keyboard:
    return Keyboard()


@pytest.fixture
def server(reds: RedsState, keyboard: Keyboard) -> RedsState:
    """A server with a red screen and a keyboard, which takes viewers with their state."""
    framebuffer = Framebuffer(WIDTH, HEIGHT)
    framebuffer.paste(0, 0, WIDTH, HEIGHT, RED * WIDTH * HEIGHT)
    reds.add_interface(QxlInterface(framebuffer))
    reds.add_interface(keyboard)
    reds.seamless_migration = True
    reds.name = "second"
    return reds


class Mover:
    """A viewer that another server has sent, with its channels linked."""

    def __init__(self, reds: RedsState, *, local: bool = True, mini: bool = True) -> None:
        common = (0, 1, 3) if mini else (0, 1)
        self.peers: dict[str, Peer] = {}
        for channel in ("main", "display", "inputs", "cursor"):
            peer = Peer(reds, local=local)
            caps: dict[str, Any] = {"channel_caps": tuple(MainCap)} if channel == "main" else {}
            assert peer.link(channel, connection_id=SESSION, common_caps=common, **caps) == 0
            self.peers[channel] = peer
        self.main, self.display, self.inputs, self.cursor = self.peers.values()

    def ask(self, version: int = 1) -> list[str]:
        self.main.send("migrate_dst_do_seamless", MsgcMainMigrateDstDoSeamless(version))
        return self.main.names()

    def bring(self, channel: str, data: bytes) -> None:
        self.peers[channel].send("migrate_data", MsgData(data))

    def said(self) -> dict[str, list[str]]:
        return {name: peer.names() for name, peer in self.peers.items()}

    @property
    def closed(self) -> list[str]:
        return [name for name, peer in self.peers.items() if peer.connection.closed]


NOTHING: dict[str, list[str]] = {"main": [], "display": [], "inputs": [], "cursor": []}


@pytest.fixture
def mover(server: RedsState) -> Mover:
    mover = Mover(server)
    assert mover.said() == NOTHING
    return mover


# who gets in


def test_a_viewer_from_another_server_needs_the_password(server: RedsState) -> None:
    peer = Peer(server)
    denied = peer.link("main", connection_id=SESSION, password="guessed")
    assert denied == LinkErr.PERMISSION_DENIED
    assert server.clients == []


def test_it_keeps_its_session(server: RedsState, mover: Mover) -> None:
    assert [client.session_id for client in server.clients] == [SESSION]


def test_it_cannot_have_the_session_of_somebody_else(
    server: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    server.allow_multiple_clients = True
    viewer = Viewer(server)
    taken = Peer(server).link("main", connection_id=viewer.session_id)
    assert taken == LinkErr.BAD_CONNECTION_ID
    assert not viewer.main.connection.closed
    assert "another viewer has this session" in caplog.text


def test_it_may_come_once_more_while_it_is_held(server: RedsState) -> None:
    server.allow_multiple_clients = True
    first, second = Mover(server), Mover(server)
    assert first.closed == ["main", "display", "inputs", "cursor"]
    assert second.closed == []
    second.main.send("migrate_end")
    assert Peer(server).link("main", connection_id=SESSION) == LinkErr.BAD_CONNECTION_ID


def test_it_may_come_once_more_where_no_other_may(server: RedsState) -> None:
    server.allow_multiple_clients, server.limits = True, Limits(max_clients=1)
    first = Mover(server)
    assert Peer(server).link("main", connection_id=SESSION + 1) == LinkErr.CHANNEL_NOT_AVAILABLE
    assert Peer(server).link("main", connection_id=SESSION) == LinkErr.OK
    assert first.main.connection.closed


def test_it_replaces_a_viewer_as_any_other_does(server: RedsState) -> None:
    viewer = Viewer(server)
    Mover(server)
    assert viewer.main.connection.closed


# held


def test_nothing_goes_out_before_it_has_come(server: RedsState, mover: Mover) -> None:
    server.kbd_leds(7)
    server.main.push_mouse_mode()
    server.channels.displays()[0].qxl.framebuffer.fill(0, 0, 4, 4, (1, 2, 3))
    server.channels.displays()[0].qxl.move_cursor(3, 3)
    for main in server.main.clients:
        main.notify("not for somebody who is elsewhere")
    assert mover.said() == NOTHING
    assert mover.closed == []


def test_it_may_take_an_hour_and_no_longer(
    server: RedsState, core: FakeCore, mover: Mover, caplog: pytest.LogCaptureFixture
) -> None:
    core.advance(3599)
    assert mover.closed == []
    core.advance(1)
    assert mover.closed == ["main", "display", "inputs", "cursor"]
    assert "has not come from its server in 3600 s" in caplog.text
    assert server.clients == []


def test_who_leaves_early_leaves_nothing(server: RedsState, core: FakeCore) -> None:
    before = core.armed
    mover = Mover(server)
    for peer in mover.peers.values():
        peer.connection.receive_eof()
    assert core.armed <= before
    assert server.clients == []


def test_who_is_cut_off_while_another_makes_way_leaves_nothing(
    server: RedsState, core: FakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    Viewer(server)
    coming = Peer(server)
    before = core.armed

    def channel_event(event: ChannelEvent, info: ChannelEventInfo) -> None:
        if event is ChannelEvent.DISCONNECTED:
            coming.connection.close()

    monkeypatch.setattr(core, "channel_event", channel_event)
    coming.link("main", connection_id=SESSION)
    assert coming.connection.closed
    assert server.clients == []
    assert core.armed < before


@pytest.mark.parametrize("size", [MAX_HELD, 2 * MAX_HELD])
def test_what_it_says_early_is_bounded(mover: Mover, size: int) -> None:
    for _ in range(size // 8 + 1):
        mover.inputs.send("key_down", MsgcInputsKeyDown(code=30))
    assert mover.closed == ["inputs"]


@pytest.mark.parametrize("whole", [True, False])
def test_what_it_says_early_waits_in_its_order(
    server: RedsState, keyboard: Keyboard, mover: Mover, whole: bool
) -> None:
    frames = b"".join(
        mover.inputs.frame(101, code.to_bytes(4, "little")) for code in (0x1E, 0x9E, 0x30)
    )
    mover.inputs.send_bytes(frames if whole else frames[:-2])
    mover.display.send("init", DISPLAY_INIT)
    assert keyboard.fragments == b""
    mover.main.send("migrate_end")
    mover.inputs.send_bytes(b"" if whole else frames[-2:])
    assert keyboard.fragments == b"\x1e\x9e\x30"
    assert mover.display.names()[0] == "set_ack"


def test_a_message_that_is_wrong_is_found_when_it_is_its_turn(
    server: RedsState, mover: Mover
) -> None:
    mover.inputs.send_bytes(mover.inputs.frame(999, b""))
    mover.cursor.send_bytes(mover.cursor.frame(3, b"short"))
    assert mover.closed == ["cursor"], "answers are looked at"
    mover.main.send("migrate_end")
    assert mover.closed == ["inputs", "cursor"]


def test_a_message_that_is_too_long_is_refused_when_it_has_come(mover: Mover) -> None:
    mover.inputs.send_bytes(mover.inputs.frame(101, bytes(3000)))
    assert mover.closed == []
    mover.main.send("migrate_end")
    assert mover.closed == ["inputs"]


@pytest.mark.parametrize("seamless", [True, False])
def test_a_viewer_that_stays_where_it_was_may_forget_its_main_channel(
    server: RedsState, mover: Mover, seamless: bool
) -> None:
    if seamless:
        mover.ask()
    for channel in ("inputs", "display"):
        mover.peers[channel].connection.receive_eof()
    assert not mover.main.connection.closed
    mover.cursor.connection.receive_eof()
    assert mover.main.connection.closed
    assert server.clients == []


def test_a_viewer_that_has_come_may_close_what_it_likes(server: RedsState, mover: Mover) -> None:
    mover.main.send("migrate_end")
    for channel in ("inputs", "display", "cursor"):
        mover.peers[channel].connection.receive_eof()
    assert not mover.main.connection.closed


def test_a_goodbye_is_heard(mover: Mover) -> None:
    mover.main.send_bytes(mover.main.frame(6, bytes(12)))
    assert mover.closed == ["main", "display", "inputs", "cursor"]


# semi-seamless


def test_it_starts_from_scratch(server: RedsState, mover: Mover) -> None:
    mover.main.send("migrate_end")
    init, name = mover.main.messages()
    assert (init.name, name.name) == ("init", "name")
    assert init.message.session_id == SESSION
    mover.display.send("init", DISPLAY_INIT)
    said = mover.said()
    assert said["inputs"] == ["init"]
    assert said["cursor"] == ["set_ack", "init"]
    assert said["display"][:3] == ["set_ack", "inval_all_palettes", "surface_create"]
    assert said["main"] == []
    assert server.clients[0].settled


def test_a_network_viewer_is_measured_and_watched(server: RedsState, core: FakeCore) -> None:
    mover = Mover(server, local=False)
    mover.main.send("migrate_end")
    assert mover.main.names().count("ping") == 3
    core.advance(95)
    assert mover.closed[0] == "main", "it answers nothing"


def test_it_hears_of_channels_that_come_later(server: RedsState, mover: Mover) -> None:
    mover.main.send("migrate_end")
    mover.main.messages()
    server.add_interface(QxlInterface(Framebuffer(8, 8), id=3))
    assert mover.main.names() == ["channels_list", "channels_list"]


def test_a_channel_that_links_later_is_not_held(server: RedsState, mover: Mover) -> None:
    mover.main.send("migrate_end")
    server.add_interface(QxlInterface(Framebuffer(8, 8), id=3))
    late = Peer(server, local=True)
    assert late.link("cursor", channel_id=3, connection_id=SESSION) == 0
    assert late.names() == ["set_ack", "init"]


def test_one_channel_that_fails_does_not_keep_the_others(
    server: RedsState, keyboard: Keyboard, mover: Mover
) -> None:
    keyboard.broken = True
    mover.main.send("migrate_end")
    assert mover.closed == ["inputs"]
    assert mover.cursor.names() == ["set_ack", "init"]


def test_an_embedder_that_ends_a_channel_meanwhile_is_no_problem(
    server: RedsState, keyboard: Keyboard, mover: Mover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyboard, "get_leds", lambda: mover.cursor.connection.end("enough") or 0)
    mover.main.send("migrate_end")
    assert mover.closed == ["cursor"]


# seamless


def test_it_goes_on_where_it_was(server: RedsState, keyboard: Keyboard, mover: Mover) -> None:
    assert mover.ask() == ["migrate_dst_seamless_ack"]
    mover.bring("display", DISPLAY)
    mover.bring("main", MAIN)
    mover.bring("inputs", INPUTS)
    said = mover.said()
    assert said["main"] == ["mouse_mode", "multi_media_time"]
    assert said["cursor"][:3] == ["set_ack", "inval_all", "set"]
    assert said["inputs"] == ["init"]
    assert said["display"] == [
        "set_ack",
        "inval_all_pixmaps",
        "inval_all_palettes",
        "stream_destroy_all",
        "draw_copy",
        "monitors_config",
        "mark",
    ]
    assert server.clients[0].settled
    mover.inputs.send("key_down", MsgcInputsKeyDown(code=0x1E))
    assert keyboard.fragments == b"\x1e"


def test_it_learns_of_the_cursors_trail_if_there_is_one(server: RedsState, mover: Mover) -> None:
    server.channels.displays()[0].qxl.set_cursor_trail(3, 5)
    mover.ask()
    mover.bring("main", MAIN)
    assert "trail" in mover.cursor.names()


def test_data_may_come_byte_by_byte_with_more_behind(
    server: RedsState, keyboard: Keyboard, mover: Mover
) -> None:
    mover.ask()
    mover.bring("main", MAIN)
    frames = mover.inputs.frame(5, INPUTS) + mover.inputs.frame(101, b"\x1e\0\0\0")
    for byte in frames:
        mover.inputs.send_bytes(bytes([byte]))
    assert keyboard.fragments == b"\x1e"


def test_what_overtakes_the_data_waits_for_them(
    server: RedsState, keyboard: Keyboard, mover: Mover
) -> None:
    mover.ask()
    mover.inputs.send("key_down", MsgcInputsKeyDown(code=0x1E))
    mover.bring("main", MAIN)
    assert keyboard.fragments == b""


def test_the_picture_is_that_of_this_server_on_the_surface_of_the_other(
    server: RedsState, core: FakeCore, mover: Mover
) -> None:
    mover.ask()
    mover.bring("display", DISPLAY)
    canvas = bytearray(WIDTH * HEIGHT * 4)
    core.do_jobs()
    received = mover.display.messages()
    picture(received, canvas, WIDTH)
    assert canvas == RED * WIDTH * HEIGHT


def test_serials_and_image_ids_go_on(server: RedsState) -> None:
    mover = Mover(server, mini=False, local=False)
    mover.ask()
    mover.bring("display", DISPLAY)
    first, *_ = mover.display.messages()
    assert first.serial == 42
    client = server.clients[0]
    dictionary = client.glz_dictionary(1, 0)
    assert (dictionary.next_id, dictionary.window_pixels) == (7, 1 << 20)


def test_unanswered_pointer_events_are_counted_on(server: RedsState, mover: Mover) -> None:
    mover.ask()
    mover.bring("inputs", INPUTS)
    mover.inputs.send("mouse_motion", MsgcInputsMouseMotion(1, 1, 0))
    assert mover.inputs.names() == ["init", "mouse_motion_ack"]


def test_more_unanswered_pointer_events_than_there_can_be_are_as_many_as_can(
    mover: Mover,
) -> None:
    mover.ask()
    mover.bring("inputs", InputsData(motion_count=60000).build())
    assert mover.inputs.names() == ["init", "mouse_motion_ack", "mouse_motion_ack"]


@pytest.mark.parametrize("lossy", [None, (LossyArea(0, 0, 1, 1),) * 2])
def test_surfaces_that_this_server_does_not_have_are_destroyed(
    mover: Mover, lossy: tuple[LossyArea, ...] | None
) -> None:
    mover.ask()
    data = DisplayData(message_serial=1, surfaces=(5, 9), lossy=lossy)
    mover.bring("display", data.build())
    received = mover.display.messages()
    destroyed = [one.message.surface_id for one in received if one.name == "surface_destroy"]
    assert destroyed == [5, 9]
    assert "surface_create" in [one.name for one in received], "it has none to draw on"


def test_a_screen_that_changes_its_size_meanwhile_gets_a_new_surface(
    server: RedsState, mover: Mover
) -> None:
    mover.ask()
    mover.bring("display", DISPLAY)
    server.channels.displays()[0].qxl.framebuffer.resize(32, 32)
    names = mover.display.names()
    assert "surface_destroy" in names
    assert "surface_create" in names


def test_a_network_viewer_is_watched_again(server: RedsState, core: FakeCore) -> None:
    mover = Mover(server, local=False)
    mover.ask()
    for channel, data in (("main", MAIN), ("display", DISPLAY), ("inputs", INPUTS)):
        mover.bring(channel, data)
    assert mover.main.names() == ["mouse_mode", "multi_media_time"], "nothing is measured"
    core.advance(95)
    assert mover.closed[0] == "main", "it answers nothing"


def test_a_mouse_mode_may_be_wished_for_afterwards(server: RedsState, mover: Mover) -> None:
    mover.ask()
    mover.bring("main", MAIN)
    mover.main.send("mouse_mode_request", MsgcMainMouseModeRequest(1))
    assert mover.closed == []


@pytest.mark.parametrize(("allowed", "version"), [(False, 1), (True, 2)])
def test_a_server_that_cannot_says_no_and_goes_on_semi_seamlessly(
    server: RedsState, mover: Mover, allowed: bool, version: int
) -> None:
    server.seamless_migration = allowed
    assert mover.ask(version) == ["migrate_dst_seamless_nack"]
    mover.main.send("migrate_end")
    assert mover.main.names()[0] == "init"


def test_data_that_are_late_end_their_channel(
    server: RedsState, core: FakeCore, mover: Mover, caplog: pytest.LogCaptureFixture
) -> None:
    mover.ask()
    mover.bring("main", MAIN)
    mover.bring("inputs", INPUTS)
    core.advance(9.9)
    assert mover.closed == []
    core.advance(0.1)
    assert mover.closed == ["display"]
    assert "has not come from its server in 10 s" in caplog.text


def test_the_time_for_data_is_that_of_the_limits_when_the_viewer_came(
    server: RedsState, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    server.limits = Limits(migration_data_timeout=2.0)
    mover = Mover(server)
    server.limits = Limits()
    mover.ask()
    mover.bring("main", MAIN)
    core.advance(1.9)
    assert mover.closed == []
    core.advance(0.1)
    assert mover.closed == ["display", "inputs"]
    assert "has not come from its server in 2 s" in caplog.text


@pytest.mark.parametrize("lost", ["late", "wrong", "closed"])
def test_a_viewer_has_come_when_its_last_channel_is_lost(
    server: RedsState, core: FakeCore, mover: Mover, lost: str
) -> None:
    mover.ask()
    mover.bring("main", MAIN)
    mover.bring("inputs", INPUTS)
    assert not server.clients[0].settled
    if lost == "late":
        core.advance(10)
    elif lost == "wrong":
        mover.bring("display", b"garbage!")
    else:
        mover.display.connection.receive_eof()
    assert mover.closed == ["display"]
    assert server.clients[0].settled
    again = Peer(server)
    assert again.link("display", connection_id=SESSION) == 0
    again.send("init", DISPLAY_INIT)
    assert "inval_all_palettes" in again.names(), "it is held no more"


def test_a_question_is_answered_once(server: RedsState, mover: Mover) -> None:
    server.seamless_migration = False
    assert mover.ask() == ["migrate_dst_seamless_nack"]
    mover.ask()
    assert "main" in mover.closed


@pytest.mark.parametrize("channel", ["main", "display", "inputs"])
def test_wrong_data_end_their_channel(
    mover: Mover, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    mover.ask()
    mover.bring(channel, b"ABCD\1\0\0\0" + bytes(100))
    assert channel in mover.closed
    assert "begin with b'ABCD'" in caplog.text


def test_data_larger_than_any_are_refused(mover: Mover) -> None:
    mover.ask()
    most = DisplayChannel.max_message_size + MAX_DATA_SIZE
    mover.display.send_bytes(mover.display.frame(5, bytes(most))[:6])
    assert mover.closed == []
    most = InputsChannel.max_message_size + MAX_DATA_SIZE
    mover.inputs.send_bytes(mover.inputs.frame(5, bytes(most + 1))[:6])
    assert mover.closed == ["inputs"]


def test_data_of_a_channel_that_has_none_are_refused(mover: Mover) -> None:
    mover.ask()
    mover.bring("cursor", INPUTS)
    assert mover.closed == ["cursor"]


def test_other_channels_start_when_the_main_channel_has_its_data(server: RedsState) -> None:
    server.add_interface(PlaybackInterface())
    mover, playback = Mover(server), Peer(server)
    assert playback.link("playback", connection_id=SESSION) == 0
    mover.ask()
    assert server.clients[0].channel_clients[5, 0].arrival is not None
    mover.bring("main", MAIN)
    assert server.clients[0].channel_clients[5, 0].arrival is None
    assert not playback.connection.closed


def kinds(base: Any = RedChannel) -> list[Any]:
    """The channels of this package."""
    found = [kind for each in base.__subclasses__() for kind in (each, *kinds(each))]
    ours = [kind for kind in found if kind.__module__.startswith("redspice.channels.")]
    return [kind for kind in ours if hasattr(kind, "messages")]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: str(kind.messages.name))
def test_who_transfers_data_saves_and_restores(kind: type[RedChannel[Any]]) -> None:
    client: Any = kind.client_class.__new__(kind.client_class)
    if kind.migration_flags == TRANSFER:
        assert type(client).save is not Movable.save
        assert type(client).restore is not Movable.restore
        return
    assert not kind.migration_flags
    for call in (client.save, lambda: client.restore(b"")):
        with pytest.raises(NotImplementedError):
            call()


def test_data_come_once(mover: Mover) -> None:
    mover.ask()
    mover.bring("inputs", INPUTS)
    mover.bring("inputs", INPUTS)
    assert mover.closed == ["inputs"]


@pytest.mark.parametrize("message", ["migrate_end", "migrate_dst_do_seamless", "migrate_data"])
def test_a_viewer_that_comes_from_nowhere_cannot_go_on(reds: RedsState, message: str) -> None:
    viewer = Viewer(reds)
    bodies = {
        "migrate_dst_do_seamless": MsgcMainMigrateDstDoSeamless(1),
        "migrate_data": MsgData(MAIN),
    }
    viewer.main.send(message, bodies.get(message))
    assert viewer.main.connection.closed


# the table

SETUPS: dict[Stage, tuple[Sign, ...]] = {
    Stage.JOINED: (),
    Stage.DECLINED: (Sign.DECLINED,),
    Stage.SEAMLESS: (Sign.ACCEPTED,),
    Stage.ARRIVING: (Sign.ACCEPTED, Sign.MAIN_DATA),
    Stage.ARRIVED: (Sign.END,),
}


@pytest.mark.parametrize("sign", [sign for sign in Sign if sign is not Sign.COMPLETE])
@pytest.mark.parametrize("stage", Stage)
def test_signs_follow_the_table(server: RedsState, mover: Mover, stage: Stage, sign: Sign) -> None:
    target = server.clients[0].arriving()
    main, inputs = server.clients[0].main, server.clients[0].channel_clients[3, 0]
    assert main is not None

    def give(sign: Sign) -> None:
        if sign is Sign.END:
            target.let_go()
        elif sign is Sign.MAIN_DATA:
            target.restore(main, MAIN)
        elif sign is Sign.OTHER_DATA:
            target.restore(inputs, INPUTS)
        else:
            target.decide(sign is Sign.ACCEPTED)

    for each in SETUPS[stage]:
        give(each)
    assert target.stage is stage
    after = MOVES[stage].get(sign)
    if after is None:
        with pytest.raises(ProtocolError):
            give(sign)
    else:
        give(sign)
    assert target.stage is (after or stage)


def test_the_password_is_in_no_log(
    server: RedsState, mover: Mover, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    mover.ask()
    mover.bring("display", b"garbage!")
    assert PASSWORD not in caplog.text
    assert str(SESSION) not in caplog.text
