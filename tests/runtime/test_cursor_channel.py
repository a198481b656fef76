"""The cursor channel: shape, position and visibility reach every viewer."""

from __future__ import annotations

import pytest

from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import CursorShape, QxlInterface, TabletInterface
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
    assert (init.message.visible, init.message.cursor.flags) == (1, 0)
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
    assert position(second) == (7, 8)
    assert first.message.cursor.header.unique != second.message.cursor.header.unique


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
    (received,) = cursor.messages()
    assert (received.name, received.message.visible) == ("set", 0)


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
