"""Keys, lock lights and mouse modes with spice-gtk, beyond what every session does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from interop.embedded import EmbeddedServer, Input, embedded_server
from interop.gtk_viewer import GtkViewer
from interop.peers import PATIENCE
from redspice.interfaces import TabletInterface
from redspice_protocol.enums import KeyboardModifierFlags, MouseButton, MouseMode

NUM, CAPS = int(KeyboardModifierFlags.NUM_LOCK), int(KeyboardModifierFlags.CAPS_LOCK)
NUM_KEY, CAPS_KEY = 0x45, 0x3A
RELEASED = 0x80

Connect = Callable[..., GtkViewer]


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with embedded_server() as running:
        yield running


@pytest.fixture
def viewer(server: EmbeddedServer, connect: Connect) -> GtkViewer:
    viewer = connect(server)
    viewer.wait_opened()
    server.inputs.clear()
    return viewer


@pytest.fixture
def guest(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> EmbeddedServer:
    """A server whose lock lights follow the lock keys, as a guest's do."""
    keyboard = server.keyboard
    record = keyboard.push_scan_freg
    lights = {NUM_KEY: NUM, CAPS_KEY: CAPS}

    def push(fragment: int) -> None:
        record(fragment)
        if fragment in lights:
            keyboard.leds ^= lights[fragment]
            server.reds.kbd_leds(keyboard.leds)

    monkeypatch.setattr(keyboard, "push_scan_freg", push)
    return server


def scans(*fragments: int) -> list[Input]:
    return [("scan", fragment) for fragment in fragments]


def taps(*keys: int) -> list[Input]:
    return [scan for key in keys for scan in scans(key, key | RELEASED)]


# lock lights


def test_a_viewer_with_caps_lock_on_gets_a_guest_with_caps_lock_on(
    guest: EmbeddedServer, viewer: GtkViewer
) -> None:
    viewer.order("set_key_locks", CAPS)
    guest.inputs.wait_for_items(taps(CAPS_KEY))
    # At the start, by the guest, and when everything has settled.
    assert viewer.wait_for_count(3, "modifiers")[1:3] == [["modifiers", CAPS]] * 2
    viewer.order("set_key_locks", NUM)
    guest.inputs.wait_for_items(taps(CAPS_KEY, NUM_KEY, CAPS_KEY))
    assert guest.call(guest.keyboard.get_leds) == NUM


def test_a_viewer_that_comes_with_its_lights_off_turns_off_the_guests(
    guest: EmbeddedServer, connect: Connect
) -> None:
    guest.keyboard.leds = NUM
    viewer = connect(guest)
    viewer.wait_opened()
    guest.inputs.wait(lambda inputs: inputs[-2:] == taps(NUM_KEY), "Num Lock")
    viewer.wait_for(["modifiers", 0])


def test_a_lock_key_that_the_user_pressed_is_pressed_once(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    """Also if the viewer tells of it before the guest has followed."""
    viewer.order("key_press_and_release", CAPS_KEY)
    viewer.order("set_key_locks", CAPS)
    server.inputs.wait_for_items(taps(CAPS_KEY))
    server.keyboard.leds = CAPS
    server.call(lambda: server.reds.kbd_leds(CAPS))
    # By the guest, and when everything has settled.
    assert viewer.wait_for_count(3, "modifiers")[-2:] == [["modifiers", CAPS]] * 2
    server.inputs.wait_for_items(taps(CAPS_KEY))


def test_a_guest_that_disagrees_after_a_lock_key_is_corrected_later(
    guest: EmbeddedServer, viewer: GtkViewer
) -> None:
    viewer.order("key_press_and_release", CAPS_KEY)
    viewer.order("set_key_locks", 0)
    viewer.wait_for(["modifiers", CAPS])
    guest.inputs.wait_for_items(taps(CAPS_KEY, CAPS_KEY))
    viewer.wait_for_count(3, "modifiers")
    assert viewer.events("modifiers")[-1] == ["modifiers", 0]


# keys that are held


def test_what_a_viewer_held_that_was_killed_is_released(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    for code in (0x1D, 0x138, 0x153):
        viewer.order("key_press", code)
    viewer.order("key_release", 0x1D)
    viewer.order("position", 5, 6, 0, 0)
    viewer.order("button_press", MouseButton.LEFT, 0)
    held = [
        *scans(0x1D, 0xE0, 0x38, 0xE0, 0x53, 0x9D),
        ("position", 5, 6, 0),
        ("tablet buttons", 1),
    ]
    server.inputs.wait_for_items(held)
    viewer.process.kill()
    viewer.process.wait(PATIENCE)
    released = [("tablet buttons", 0), *scans(0xE0, 0xB8, 0xE0, 0xD3)]
    server.inputs.wait_for_items([*held, *released])


# mouse modes


def test_the_mode_follows_a_tablet_that_goes_and_comes(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    (tablet,) = server.call(lambda: server.reds.devices.of(TabletInterface))
    server.call(lambda: server.reds.remove_interface(tablet))
    viewer.wait_for(["mouse-mode", int(MouseMode.SERVER)])
    viewer.order("motion", 1, 2, 0)
    viewer.order("mouse_mode", MouseMode.CLIENT)  # impossible now, and ignored
    viewer.order("motion", 3, 4, 0)
    server.inputs.wait_for_items([("motion", 1, 2, 0, 0), ("motion", 3, 4, 0, 0)])
    before = len(viewer.events("mouse-mode"))
    server.call(lambda: server.reds.add_interface(tablet))
    assert viewer.wait_for_count(before + 1, "mouse-mode")[-1] == ["mouse-mode", MouseMode.CLIENT]
    viewer.order("position", 7, 8, 0, 0)
    server.inputs.wait(lambda inputs: inputs[-1] == ("position", 7, 8, 0), "position")


@pytest.mark.parametrize("mode", [0, 3, 4])
def test_a_mode_that_is_none_changes_nothing(
    server: EmbeddedServer, viewer: GtkViewer, mode: int
) -> None:
    before = viewer.events("mouse-mode")
    viewer.order("mouse_mode", mode)
    viewer.order("position", 7, 8, 0, 0)
    server.inputs.wait_for_items([("position", 7, 8, 0)])
    assert viewer.events("mouse-mode", "closed") == before
