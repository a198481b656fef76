"""spice-gtk, the library under every desktop viewer, told exactly what to do."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from interop.embedded import EmbeddedServer, Input, embedded_server
from interop.gtk_viewer import CHANNELS, GtkViewer
from interop.pictures import from_bgrx, noise
from redspice.interfaces import CursorShape
from redspice_protocol.enums import KeyboardModifierFlags, MouseButton, MouseButtonMask, MouseMode

PASSWORD = "correct horse"
LEFT, MIDDLE, RIGHT = MouseButton.LEFT, MouseButton.MIDDLE, MouseButton.RIGHT
UP, DOWN = MouseButton.UP, MouseButton.DOWN

Connect = Callable[..., GtkViewer]


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with embedded_server() as running:
        yield running


@pytest.fixture
def viewer(server: EmbeddedServer, connect: Connect) -> GtkViewer:
    """A viewer that has opened everything, on a server that has not been told anything yet."""
    viewer = connect(server)
    viewer.wait_opened()
    server.inputs.clear()
    return viewer


def screen(server: EmbeddedServer) -> Image.Image:
    framebuffer = server.framebuffer
    return from_bgrx(server.pixels(), framebuffer.width, framebuffer.height)


def draw_noise(server: EmbeddedServer, seed: int) -> None:
    """New pixels on the whole screen."""
    framebuffer = server.framebuffer
    width, height = framebuffer.width, framebuffer.height
    pixels = noise(width, height, seed).tobytes("raw", "BGRX")
    server.call(lambda: framebuffer.paste(0, 0, width, height, pixels))


def warnings(server: EmbeddedServer) -> list[str]:
    """What the log complains of; that a viewer hangs up with something unread is no complaint."""
    return [line for line in server.log.items() if line.startswith("WARNING")]


# connecting


@pytest.mark.parametrize("password", [None, PASSWORD], ids=["open", "password"])
def test_every_channel_opens(connect: Connect, password: str | None) -> None:
    with embedded_server(password=password) as server:
        viewer = connect(server, password=password)
        viewer.wait_opened()
        assert sorted(viewer.events("opened")) == sorted(["opened", name] for name in CHANNELS)
        viewer.quit()
        server.stop()
        assert warnings(server) == []


def test_a_wrong_password_is_an_authentication_error(connect: Connect) -> None:
    with embedded_server(password=PASSWORD) as server:
        viewer = connect(server, password="battery staple")
        viewer.wait_for(["error-auth", "main-0"])
        assert viewer.events("opened") == []
        log = server.log.wait(lambda lines: len(lines) >= 1, "log line")
        assert [line for line in log if "PERMISSION_DENIED" in line] == log


def test_a_viewer_that_leaves_makes_room_for_the_next(
    server: EmbeddedServer, connect: Connect
) -> None:
    for seed in range(3):
        draw_noise(server, seed)
        viewer = connect(server, f"viewer{seed}")
        viewer.wait_opened()
        viewer.wait_for_picture(screen(server))
        viewer.quit()
    server.stop()
    assert warnings(server) == []


def test_a_second_viewer_replaces_the_first(server: EmbeddedServer, connect: Connect) -> None:
    first = connect(server, "first")
    first.wait_opened()
    second = connect(server, "second")
    second.wait_opened()
    first.wait_for(*(["closed", channel] for channel in CHANNELS))
    assert second.events("closed") == []
    second.wait_for_picture(screen(server))
    assert len([line for line in server.log.items() if "another viewer takes over" in line]) == 1


def test_two_viewers_share_a_server_that_allows_it(connect: Connect) -> None:
    with embedded_server(multi=True) as server:
        viewers = [connect(server, name) for name in ("first", "second")]
        for viewer in viewers:
            viewer.wait_opened()
        server.inputs.clear()
        draw_noise(server, seed=4)
        for number, viewer in enumerate(viewers):
            viewer.wait_for_picture(screen(server))
            viewer.order("key_press", 0x10 + number)
            server.inputs.wait(lambda keys, n=number: len(keys) == n + 1, "key")
        server.inputs.wait_for_items(scans(0x10, 0x11))
        for viewer in viewers:
            assert viewer.events("closed") == []


def test_one_of_two_viewers_leaves_and_the_other_goes_on(connect: Connect) -> None:
    with embedded_server(multi=True) as server:
        first, second = connect(server, "first"), connect(server, "second")
        first.wait_opened()
        second.wait_opened()
        first.quit()
        draw_noise(server, seed=5)
        second.wait_for_picture(screen(server))


def test_the_end_of_the_server_disconnects(server: EmbeddedServer, viewer: GtkViewer) -> None:
    server.stop()
    viewer.wait_for(*(["closed", channel] for channel in CHANNELS))


# keys


def scans(*fragments: int) -> list[Input]:
    return [("scan", fragment) for fragment in fragments]


@pytest.mark.parametrize(
    ("code", "pressed", "released"),
    [
        pytest.param(0x1E, (0x1E,), (0x9E,), id="A"),
        pytest.param(0x01, (0x01,), (0x81,), id="Escape"),
        pytest.param(0x58, (0x58,), (0xD8,), id="F12"),
        pytest.param(0x148, (0xE0, 0x48), (0xE0, 0xC8), id="Up"),
        pytest.param(0x11D, (0xE0, 0x1D), (0xE0, 0x9D), id="right Ctrl"),
        pytest.param(0x15B, (0xE0, 0x5B), (0xE0, 0xDB), id="left Windows"),
    ],
)
def test_a_key_arrives_as_its_scan_codes(
    server: EmbeddedServer,
    viewer: GtkViewer,
    code: int,
    pressed: tuple[int, ...],
    released: tuple[int, ...],
) -> None:
    """spice-gtk takes 0x100 for the prefix E0."""
    viewer.order("key_press", code)
    viewer.order("key_press", code)  # held: it repeats
    viewer.order("key_release", code)
    viewer.order("key_press_and_release", code)  # one KEY_SCANCODE message
    server.inputs.wait_for_items(scans(*pressed, *pressed, *released, *pressed, *released))


def test_keys_keep_their_order(server: EmbeddedServer, viewer: GtkViewer) -> None:
    codes = [random.Random(6).randrange(1, 0x59) for _ in range(200)]
    for code in codes:
        viewer.order("key_press_and_release", code)
    fragments = [fragment for code in codes for fragment in (code, code | 0x80)]
    server.inputs.wait_for_items(scans(*fragments))


def test_keys_held_by_a_viewer_that_leaves_are_released(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    viewer.order("key_press", 0x1D)
    viewer.order("key_press", 0x153)
    server.inputs.wait_for_items(scans(0x1D, 0xE0, 0x53))
    viewer.quit()
    server.inputs.wait_for_items(scans(0x1D, 0xE0, 0x53, 0x9D, 0xE0, 0xD3))


def test_lock_lights_are_told_at_the_start_and_when_they_change(connect: Connect) -> None:
    with embedded_server() as server:
        num = int(KeyboardModifierFlags.NUM_LOCK)
        both = num | int(KeyboardModifierFlags.CAPS_LOCK)
        server.keyboard.leds = num
        viewer = connect(server)
        viewer.wait_opened()
        server.call(lambda: server.reds.kbd_leds(both))
        server.call(lambda: server.reds.kbd_leds(0))
        expected = [["modifiers", num], ["modifiers", both], ["modifiers", 0]]
        assert viewer.wait_for_count(3, "modifiers") == expected


# pointer


def test_client_mode_gives_positions_to_the_tablet(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    assert viewer.events("mouse-mode")[-1] == ["mouse-mode", int(MouseMode.CLIENT)]
    viewer.order("position", 100, 120, 0, 0)
    viewer.order("position", 319, 199, 0, 0)
    viewer.order("button_press", LEFT, 0)
    viewer.order("position", 0, 0, 0, 1)
    viewer.order("button_release", LEFT, 1)
    server.inputs.wait_for_items(
        [
            ("position", 100, 120, 0),
            ("position", 319, 199, 0),
            ("tablet buttons", 1),
            ("position", 0, 0, 1),
            ("tablet buttons", 0),
        ]
    )


def test_server_mode_gives_motion_to_the_mouse(server: EmbeddedServer, viewer: GtkViewer) -> None:
    use_server_mode(server, viewer)
    viewer.order("motion", 5, -6, 0)
    viewer.order("button_press", RIGHT, 0)
    viewer.order("motion", -300, 2, 4)
    viewer.order("button_release", RIGHT, 4)
    server.inputs.wait_for_items(
        [
            ("motion", 5, -6, 0, 0),
            ("mouse buttons", 4),
            ("motion", -300, 2, 0, 4),
            ("mouse buttons", 0),
        ]
    )


def test_clicks_and_wheel_reach_the_mouse_in_order(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    use_server_mode(server, viewer)
    click_and_scroll(viewer)
    server.inputs.wait_for_items(
        [
            *(("mouse buttons", mask) for mask in CLICKS),
            *(("motion", 0, 0, dz, 0) for dz in WHEEL_TURNS),
        ]
    )


def test_clicks_and_wheel_reach_the_tablet_in_order(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    viewer.order("position", 7, 8, 0, 0)
    click_and_scroll(viewer)
    server.inputs.wait_for_items(
        [
            ("position", 7, 8, 0),
            *(("tablet buttons", mask) for mask in CLICKS),
            *(("wheel", dz, 0) for dz in WHEEL_TURNS),
        ]
    )


CLICKS = (1, 0, 2, 0, 4, 5, 4, 0)
WHEEL_TURNS = (-1, 1, 1)


def click_and_scroll(viewer: GtkViewer) -> None:
    """The left, the middle and the right button, the last with a left click while it is held."""
    for button in (LEFT, MIDDLE):
        viewer.order("button_press", button, 0)
        viewer.order("button_release", button, 0)
    viewer.order("button_press", RIGHT, 0)
    viewer.order("button_press", LEFT, MouseButtonMask.RIGHT)
    viewer.order("button_release", LEFT, MouseButtonMask.RIGHT)
    viewer.order("button_release", RIGHT, 0)
    for button in (UP, DOWN, DOWN):
        viewer.order("button_press", button, 0)
        viewer.order("button_release", button, 0)


def test_a_flood_of_motion_loses_nothing(server: EmbeddedServer, viewer: GtkViewer) -> None:
    """spice-gtk adds up what it may not send until the server has acknowledged."""
    use_server_mode(server, viewer)
    for _ in range(200):
        viewer.order("motion", 3, -2, 0)

    def total(inputs: list[Input]) -> tuple[int, int]:
        return sum(int(i[1]) for i in inputs), sum(int(i[2]) for i in inputs)

    server.inputs.wait(lambda inputs: total(inputs) == (600, -400), "sum of 200 motions")


def test_the_mode_changes_back_and_forth(server: EmbeddedServer, viewer: GtkViewer) -> None:
    use_server_mode(server, viewer)
    viewer.order("mouse_mode", MouseMode.CLIENT)
    viewer.wait_for_count(3, "mouse-mode")
    viewer.order("position", 7, 8, 0, 0)
    server.inputs.wait_for_items([("position", 7, 8, 0)])


def use_server_mode(server: EmbeddedServer, viewer: GtkViewer) -> None:
    viewer.order("mouse_mode", MouseMode.SERVER)
    viewer.wait_for(["mouse-mode", int(MouseMode.SERVER)])


# pictures


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ((10, 20, 33, 44), (10, 20, 33, 44)),
        ((0, 50, 320, 7), (0, 50, 320, 7)),
        ((-5, -6, 20, 10), (0, 0, 15, 4)),
        ((300, 190, 50, 50), (300, 190, 20, 10)),
        ((160, 0, 1, 200), (160, 0, 1, 200)),
    ],
    ids=["inside", "full rows", "top left corner", "bottom right corner", "column"],
)
def test_a_drawing_updates_just_the_part_inside_the_screen(
    server: EmbeddedServer,
    viewer: GtkViewer,
    box: tuple[int, int, int, int],
    clipped: tuple[int, int, int, int],
) -> None:
    left, top, width, height = box
    pixels = noise(width, height, seed=6).tobytes("raw", "BGRX")
    server.call(lambda: server.framebuffer.paste(left, top, width, height, pixels))
    viewer.wait_for_picture(screen(server))
    # spice-gtk tells of a drawing somewhat after it is done; the first was the whole screen.
    assert viewer.wait_for_count(2, "invalidate")[1:] == [["invalidate", *clipped]]


def test_a_flood_of_drawings_ends_with_the_right_picture(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    chance = random.Random(7)

    def draw() -> None:
        for _ in range(40):
            left, top = chance.randrange(-20, 320), chance.randrange(-20, 200)
            width, height = chance.randrange(1, 90), chance.randrange(1, 60)
            if chance.random() < 0.5:
                color = chance.randbytes(3)
                server.framebuffer.fill(left, top, left + width, top + height, color)
            else:
                pixels = chance.randbytes(width * height * 4)
                server.framebuffer.paste(left, top, width, height, pixels)

    for _ in range(10):
        server.call(draw)
    viewer.wait_for_picture(screen(server))


def test_pixels_written_in_place_are_shown_after_damage(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    def write() -> None:
        server.framebuffer.pixels[0:4] = bytes((1, 2, 3, 0))
        server.framebuffer.pixels[-4:] = bytes((4, 5, 6, 0))
        server.framebuffer.damage(0, 0, 1, 1)
        server.framebuffer.damage(319, 199, 320, 200)

    server.call(write)
    viewer.wait_for_picture(screen(server))


@pytest.mark.parametrize(("width", "height"), [(641, 479), (33, 17), (1, 1), (1920, 1080)], ids=str)
def test_a_resize_gives_a_new_surface(
    server: EmbeddedServer, viewer: GtkViewer, width: int, height: int
) -> None:
    pixels = noise(width, height, seed=8).tobytes("raw", "BGRX")

    def resize() -> None:
        server.framebuffer.resize(width, height)
        server.framebuffer.paste(0, 0, width, height, pixels)

    server.call(resize)
    viewer.wait_for_picture(noise(width, height, seed=8))
    assert viewer.wait_for_count(2, "primary-create") == [
        ["primary-create", 320, 200],
        ["primary-create", width, height],
    ]
    server.inputs.wait_for_items([("size", width, height)])


def test_many_resizes_end_at_the_last(server: EmbeddedServer, viewer: GtkViewer) -> None:
    for side in range(100, 160):
        server.call(lambda side=side: server.framebuffer.resize(side, 2 * side))
    draw_noise(server, seed=9)
    viewer.wait_for_picture(screen(server))
    assert viewer.events("closed") == []


# cursor


def shape(width: int, height: int, hot_x: int, hot_y: int) -> CursorShape:
    pixels = noise(width, height, seed=10).convert("RGBA").tobytes("raw", "BGRA")
    return CursorShape(width, height, hot_x, hot_y, pixels)


@pytest.mark.parametrize("size", [(20, 26), (1, 1), (64, 64), (5, 3)], ids=str)
def test_a_cursor_is_shown_pixel_for_pixel(
    server: EmbeddedServer, viewer: GtkViewer, size: tuple[int, int]
) -> None:
    width, height = size
    hot = (width - 1, height // 2)
    server.call(lambda: server.qxl.set_cursor(shape(width, height, *hot), 10, 20))
    viewer.wait_for(["cursor-set", width, height, *hot])
    rgba = noise(width, height, seed=10).convert("RGBA").tobytes().hex()
    assert viewer.ask("cursor", "cursor") == ["cursor", width, height, *hot, rgba]


def test_a_cursor_set_before_the_viewer_came_is_shown(
    server: EmbeddedServer, connect: Connect
) -> None:
    server.call(lambda: server.qxl.set_cursor(shape(9, 8, 1, 2), 10, 20))
    viewer = connect(server)
    viewer.wait_for(["cursor-set", 9, 8, 1, 2])


def test_in_server_mode_the_cursor_follows_the_server(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    use_server_mode(server, viewer)
    server.call(lambda: server.qxl.set_cursor(shape(9, 8, 1, 2), 10, 20))
    viewer.wait_for(["cursor-set", 9, 8, 1, 2])
    server.call(lambda: server.qxl.move_cursor(30, 40))
    viewer.wait_for(["cursor-move", 30, 40])
    hidden = len(viewer.events("cursor-hide"))  # it had none when the viewer came
    server.call(server.qxl.hide_cursor)
    viewer.wait_for_count(hidden + 1, "cursor-hide")
    server.call(lambda: server.qxl.move_cursor(50, 60))
    assert viewer.wait_for_count(2, "cursor-set")[1] == ["cursor-set", 9, 8, 1, 2]


def test_in_client_mode_the_viewer_moves_the_cursor_itself(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    server.call(lambda: server.qxl.set_cursor(shape(9, 8, 1, 2), 10, 20))
    server.call(lambda: server.qxl.move_cursor(30, 40))
    server.call(server.qxl.hide_cursor)
    server.call(lambda: server.qxl.set_cursor(shape(3, 3, 0, 0)))
    viewer.wait_for(["cursor-set", 3, 3, 0, 0])
    assert viewer.events("cursor-move") == []
