"""The cursor channel: shape, position and visibility reach every viewer."""

from __future__ import annotations

import pytest

from redspice.caps import CommonCap
from redspice.channels.cursor import CursorChannel
from redspice.channels.cursor_cache import MAX_CURSORS
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import CursorShape, QxlInterface, TabletInterface
from redspice.interfaces.cursor import LAYOUTS
from redspice.reds import RedsState
from redspice_protocol.enums import CursorFlags, CursorType
from runtime.peer import Peer, Received, Viewer

SHAPE = CursorShape(3, 2, 1, 0, bytes(range(24)))


@pytest.fixture
def qxl(reds: RedsState) -> QxlInterface:
    qxl = QxlInterface(Framebuffer(64, 64))
    reds.add_interface(qxl)
    return qxl


@pytest.fixture
def cursor(reds: RedsState, qxl: QxlInterface) -> Peer:
    cursor = Viewer(reds).open("cursor")
    assert cursor.names() == ["set_ack", "init"]
    return cursor


def position(received: Received) -> tuple[int, int]:
    return received.message.position.x, received.message.position.y


def test_a_viewer_that_comes_first_gets_no_shape(reds: RedsState, qxl: QxlInterface) -> None:
    _, init = Viewer(reds).open("cursor").messages()
    assert init.message.visible == 0
    assert init.message.cursor.flags == CursorFlags.NONE
    assert init.message.cursor.header is None


def test_a_viewer_that_comes_later_gets_the_present_cursor(
    reds: RedsState, qxl: QxlInterface
) -> None:
    qxl.set_cursor(SHAPE, 5, -6)
    _, init = Viewer(reds).open("cursor").messages()
    assert position(init) == (5, -6)
    assert (init.message.visible, init.message.cursor.flags) == (1, CursorFlags.CACHE_ME)
    header = init.message.cursor.header
    assert (header.type, header.width, header.height) == (CursorType.ALPHA, 3, 2)
    assert (header.hot_spot_x, header.hot_spot_y) == (1, 0)
    assert bytes(init.message.cursor.data) == SHAPE.pixels


def test_set_move_and_hide_are_told(cursor: Peer, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE, 1, 2)
    (received,) = cursor.messages()
    assert (received.name, position(received), received.message.visible) == ("set", (1, 2), 1)
    assert bytes(received.message.cursor.data) == SHAPE.pixels
    qxl.move_cursor(-3, 4)
    (received,) = cursor.messages()
    assert (received.name, position(received)) == ("move", (-3, 4))
    qxl.hide_cursor()
    assert cursor.names() == ["hide"]


def test_a_new_shape_stays_where_the_old_one_was(cursor: Peer, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE, 7, 8)
    (first,) = cursor.messages()
    qxl.set_cursor(SHAPE)
    (second,) = cursor.messages()
    assert position(first) == position(second) == (7, 8)


def test_moving_a_hidden_cursor_shows_it(cursor: Peer, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE)
    qxl.hide_cursor()
    cursor.messages()
    qxl.move_cursor(9, 9)
    (received,) = cursor.messages()
    assert (received.name, position(received), received.message.visible) == ("set", (9, 9), 1)


def test_in_client_mode_only_moves_that_show_the_cursor_are_told(
    reds: RedsState, cursor: Peer, qxl: QxlInterface
) -> None:
    reds.add_interface(TabletInterface())
    qxl.set_cursor(SHAPE)
    assert cursor.names() == ["set"]
    qxl.move_cursor(1, 1)
    assert cursor.names() == []
    qxl.hide_cursor()
    assert cursor.names() == ["hide"]
    qxl.move_cursor(2, 2)
    assert cursor.names() == ["set"]


def test_a_viewer_that_does_not_read_misses_steps_not_the_result(
    cursor: Peer, qxl: QxlInterface
) -> None:
    qxl.set_cursor(SHAPE)
    for n in range(1000):
        qxl.move_cursor(n, n)
    (received,) = cursor.messages()
    assert (received.name, position(received)) == ("set", (999, 999))
    for n in range(1000):
        qxl.move_cursor(-n, n)
    (received,) = cursor.messages()
    assert (received.name, position(received)) == ("move", (-999, 999))
    qxl.move_cursor(0, 0)
    qxl.hide_cursor()
    assert cursor.names() == ["hide"]
    qxl.set_cursor(SHAPE)
    qxl.hide_cursor()
    received, hide = cursor.messages()
    assert (received.name, received.message.visible, hide.name) == ("set", 0, "hide")


def test_a_viewer_that_does_not_acknowledge_stalls(reds: RedsState, qxl: QxlInterface) -> None:
    cursor = Viewer(reds).open("cursor", acking=False)
    cursor.messages()
    sent = 0
    for n in range(100):
        qxl.move_cursor(n, n)
        sent += len(cursor.messages())
    assert sent == 40, "INIT was the first of the 41"


def test_every_viewer_is_told(reds: RedsState, qxl: QxlInterface) -> None:
    reds.allow_multiple_clients = True
    cursors = [Viewer(reds).open("cursor") for _ in range(2)]
    for cursor in cursors:
        cursor.messages()
    qxl.set_cursor(SHAPE)
    assert [cursor.names() for cursor in cursors] == [["set"], ["set"]]


def test_the_cursor_of_an_unregistered_screen_is_let_go(
    reds: RedsState, cursor: Peer, qxl: QxlInterface
) -> None:
    channel = reds.channels.find(4, 0)
    assert channel is not None
    reds.unregister_channel(channel)
    assert cursor.connection.closed
    qxl.set_cursor(SHAPE)
    assert qxl.cursor_listeners == []
    assert len(reds.mouse_modes.listeners) == 1, "main alone listens still"


# the cache


def shape(number: int, side: int = 1) -> CursorShape:
    return CursorShape(side, side, 0, 0, number.to_bytes(4, "little") * side * side)


def cached(received: Received) -> tuple[int, int]:
    """Flags and size of the shape in a message."""
    cursor = received.message.cursor
    return cursor.flags, len(cursor.data)


def test_a_shape_that_comes_again_is_not_sent_again(cursor: Peer, qxl: QxlInterface) -> None:
    told = []
    for one in (SHAPE, shape(1), SHAPE, CursorShape(3, 2, 1, 0, bytes(range(24)))):
        qxl.set_cursor(one)
        (received,) = cursor.messages()
        assert received.message.cursor.header.unique == one.unique
        told.append(cached(received))
    new, again = CursorFlags.CACHE_ME, CursorFlags.FROM_CACHE
    assert told == [(new, 24), (new, 4), (again, 0), (again, 0)]


def test_the_shape_of_init_is_remembered(reds: RedsState, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE)
    cursor = Viewer(reds).open("cursor")
    cursor.messages()
    qxl.set_cursor(shape(1))
    qxl.set_cursor(SHAPE)
    (received,) = cursor.messages()
    assert cached(received) == (CursorFlags.FROM_CACHE, 0)


def test_each_viewer_has_a_cache_of_its_own(
    reds: RedsState, cursor: Peer, qxl: QxlInterface
) -> None:
    reds.allow_multiple_clients = True
    qxl.set_cursor(SHAPE)
    cursor.messages()
    qxl.set_cursor(shape(1))
    late = Viewer(reds).open("cursor")
    late.messages()
    qxl.set_cursor(SHAPE)
    flags = [cached(peer.messages()[-1])[0] for peer in (cursor, late)]
    assert flags == [CursorFlags.FROM_CACHE, CursorFlags.CACHE_ME]


def test_what_a_viewer_need_not_remember_is_dropped_after_the_new_one(
    cursor: Peer, qxl: QxlInterface
) -> None:
    for number in range(MAX_CURSORS):
        qxl.set_cursor(shape(number))
        assert cursor.names() == ["set"]
    qxl.set_cursor(shape(0))
    cursor.messages()
    qxl.set_cursor(shape(1000))
    new, dropped = cursor.messages()
    assert (new.name, dropped.name) == ("set", "inval_one")
    assert dropped.message.id == shape(1).unique
    qxl.set_cursor(shape(0))
    assert cached(cursor.messages()[0])[0] == CursorFlags.FROM_CACHE
    qxl.set_cursor(shape(1))
    assert cached(cursor.messages()[0])[0] == CursorFlags.CACHE_ME


def test_several_are_dropped_for_a_large_one(cursor: Peer, qxl: QxlInterface) -> None:
    for number, side in enumerate((100, 1000, 1000, 1000, 1000)):
        qxl.set_cursor(shape(number, side))
        assert cursor.names() == ["set"]
    qxl.set_cursor(shape(5, side=1024))
    assert cursor.names() == ["set", "inval_one", "inval_one"]


@pytest.mark.parametrize("type", CursorType)
def test_every_type_of_cursor_is_told(cursor: Peer, qxl: QxlInterface, type: CursorType) -> None:
    data = bytes(n % 251 for n in range(LAYOUTS[type].size(13, 5)))
    qxl.set_cursor(CursorShape(13, 5, 12, 4, data, type))
    (received,) = cursor.messages()
    header = received.message.cursor.header
    assert (header.type, header.width, header.height) == (type, 13, 5)
    assert bytes(received.message.cursor.data) == data


@pytest.mark.parametrize(
    ("common_caps", "caches"),
    [
        ((CommonCap.AUTH_SELECTION, CommonCap.MINI_HEADER), False),
        ((CommonCap.AUTH_SELECTION, CommonCap.AUTH_SPICE), True),
        ((CommonCap.AUTH_SELECTION, CommonCap.AUTH_SASL, CommonCap.MINI_HEADER), True),
        ((CommonCap.MINI_HEADER,), True),
        ((), True),
    ],
    ids=["spice-html5", "AUTH_SPICE", "spice-gtk", "no selection", "none"],
)
def test_a_viewer_without_a_cache_gets_shapes_in_full(
    reds: RedsState, qxl: QxlInterface, common_caps: tuple[CommonCap, ...], caches: bool
) -> None:
    cursor = Viewer(reds).open("cursor", common_caps=common_caps)
    told = []
    for one in (SHAPE, SHAPE):
        cursor.messages()
        qxl.set_cursor(one)
        (received,) = cursor.messages()
        told.append((*cached(received), received.message.cursor.header.unique))
    if caches:
        assert told == [
            (CursorFlags.CACHE_ME, 24, SHAPE.unique),
            (CursorFlags.FROM_CACHE, 0, SHAPE.unique),
        ]
    else:
        assert told == [(0, 24, 0)] * 2


# reset, trail, visibility


def test_a_reset_empties_the_cache_first(cursor: Peer, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE)
    cursor.messages()
    qxl.reset_cursor()
    inval, reset, init = cursor.messages()
    assert (inval.name, reset.name, init.name) == ("inval_all", "reset", "init")
    assert init.message.cursor.flags == CursorFlags.NONE
    qxl.set_cursor(SHAPE)
    (received,) = cursor.messages()
    assert cached(received) == (CursorFlags.CACHE_ME, 24)


def test_a_reset_takes_in_what_comes_before_and_after_it(cursor: Peer, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE)
    qxl.set_cursor_trail(1, 2)
    qxl.reset_cursor()
    qxl.set_cursor(shape(1))
    qxl.set_cursor_trail(3, 4)
    qxl.move_cursor(5, 6)
    received = cursor.messages()
    assert [one.name for one in received] == ["inval_all", "reset", "init"]
    init = received[-1]
    assert (cached(init), position(init)) == ((CursorFlags.CACHE_ME, 4), (5, 6))
    assert (init.message.trail_length, init.message.trail_frequency) == (3, 4)


def test_of_moving_and_hiding_the_last_counts(cursor: Peer, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE)
    cursor.messages()
    qxl.move_cursor(1, 2)
    qxl.hide_cursor()
    assert cursor.names() == ["hide"]
    qxl.hide_cursor()
    qxl.move_cursor(3, 4)
    (received,) = cursor.messages()
    assert (received.name, position(received)) == ("set", (3, 4))


def test_a_viewer_after_a_reset_gets_no_shape(reds: RedsState, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE, 3, 4)
    qxl.set_cursor_trail(1, 2)
    qxl.reset_cursor()
    _, init = Viewer(reds).open("cursor").messages()
    assert init.message.cursor.flags == CursorFlags.NONE
    assert (position(init), init.message.visible, init.message.trail_length) == ((0, 0), 0, 0)


def test_the_trail_is_told(reds: RedsState, cursor: Peer, qxl: QxlInterface) -> None:
    qxl.set_cursor_trail(1, 2)
    qxl.set_cursor_trail(3, 20)
    (received,) = cursor.messages()
    assert (received.name, received.message.length, received.message.frequency) == ("trail", 3, 20)
    _, init = Viewer(reds).open("cursor").messages()
    assert (init.message.trail_length, init.message.trail_frequency) == (3, 20)


def test_a_trail_does_not_overtake_a_shape(cursor: Peer, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE)
    qxl.set_cursor_trail(1, 2)
    qxl.move_cursor(5, 6)
    received = cursor.messages()
    assert [one.name for one in received] == ["set", "trail"]
    assert position(received[0]) == (5, 6)


def test_a_hidden_shape_is_shown_when_it_moves(cursor: Peer, qxl: QxlInterface) -> None:
    qxl.set_cursor(SHAPE, visible=False)
    received, hide = cursor.messages()
    assert (received.message.visible, cached(received)[0]) == (0, CursorFlags.CACHE_ME)
    assert hide.name == "hide"
    qxl.move_cursor(1, 1)
    (received,) = cursor.messages()
    assert (received.message.visible, cached(received)[0]) == (1, CursorFlags.FROM_CACHE)


def test_back_in_server_mode_viewers_hear_where_the_cursor_is(
    reds: RedsState, cursor: Peer, qxl: QxlInterface
) -> None:
    tablet = TabletInterface()
    reds.add_interface(tablet)
    qxl.set_cursor(SHAPE)
    cursor.messages()
    qxl.move_cursor(5, 6)
    assert cursor.names() == []
    reds.remove_interface(tablet)
    (received,) = cursor.messages()
    assert (received.name, position(received)) == ("move", (5, 6))


def test_a_hidden_cursor_stays_hidden_when_the_mode_changes(
    reds: RedsState, cursor: Peer, qxl: QxlInterface
) -> None:
    qxl.set_cursor(SHAPE)
    qxl.hide_cursor()
    cursor.messages()
    tablet = TabletInterface()
    reds.add_interface(tablet)
    reds.remove_interface(tablet)
    assert cursor.names() == []


def test_a_viewer_from_another_server_gets_the_cursor_anew(
    reds: RedsState, cursor: Peer, qxl: QxlInterface
) -> None:
    qxl.set_cursor(SHAPE, 3, 4)
    qxl.set_cursor_trail(1, 2)
    cursor.messages()
    channel = reds.channels.find(4, 0)
    assert isinstance(channel, CursorChannel)
    (client,) = channel.clients
    client.cache.clear()
    client.resume()
    received = cursor.messages()
    assert [one.name for one in received] == ["set_ack", "inval_all", "trail", "set"]
    assert cached(received[-1]) == (CursorFlags.CACHE_ME, 24)
