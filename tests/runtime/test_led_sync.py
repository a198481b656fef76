"""The lock keys of a viewer and the guest's lock lights are brought together."""

from __future__ import annotations

import pytest

from redspice.channels.led_sync import SETTLING, LedSync
from redspice_protocol.enums import KeyboardModifierFlags
from runtime.fake_core import FakeCore

SCROLL = KeyboardModifierFlags.SCROLL_LOCK
NUM = KeyboardModifierFlags.NUM_LOCK
CAPS = KeyboardModifierFlags.CAPS_LOCK
CAPS_KEY = b"\x3a"


class Guest:
    """Lights that follow the lock keys when the guest comes round to it."""

    def __init__(self, core: FakeCore) -> None:
        self.lights = 0
        self.pressed = b""
        self.told: list[int] = []
        self.sync = LedSync(core, lambda: self.lights, self.press, self.settled)

    def press(self, fragments: bytes) -> None:
        self.pressed += fragments

    def settled(self) -> None:
        self.told.append(self.lights)


@pytest.fixture
def guest(core: FakeCore) -> Guest:
    return Guest(core)


@pytest.mark.parametrize(
    ("lights", "modifiers", "pressed"),
    [
        (0, 0, ""),
        (CAPS, CAPS, ""),
        (0, SCROLL, "46 c6"),
        (0, NUM, "45 c5"),
        (0, CAPS, "3a ba"),
        (CAPS, 0, "3a ba"),
        (CAPS | NUM, SCROLL | NUM, "46 c6 3a ba"),
        (0, 7, "46 c6 45 c5 3a ba"),
        (0, 0xFFF8, ""),
    ],
)
def test_keys_are_pressed_for_the_lights_that_differ(
    guest: Guest, lights: int, modifiers: int, pressed: str
) -> None:
    guest.lights = lights
    guest.sync.told(modifiers)
    assert guest.pressed == bytes.fromhex(pressed)


def test_later_the_viewer_is_told_what_the_guest_made_of_it(guest: Guest, core: FakeCore) -> None:
    guest.sync.told(CAPS)
    guest.lights = CAPS | NUM
    core.advance(SETTLING - 0.01)
    assert guest.told == []
    core.advance(0.01)
    assert (guest.told, guest.pressed) == ([CAPS | NUM], b"\x3a\xba")
    core.advance(60)
    assert len(guest.told) == 1


def test_after_a_lock_key_the_guest_gets_time_to_follow(guest: Guest, core: FakeCore) -> None:
    guest.sync.key_pressed(CAPS_KEY)
    core.advance(0.1)
    guest.sync.told(CAPS)
    guest.lights = CAPS
    core.advance(SETTLING)
    assert (guest.told, guest.pressed) == ([CAPS], b"")


def test_a_guest_that_did_not_follow_a_lock_key_gets_it_again(guest: Guest, core: FakeCore) -> None:
    guest.sync.key_pressed(CAPS_KEY)
    guest.sync.told(CAPS)
    assert guest.pressed == b""
    core.advance(SETTLING)
    assert (guest.told, guest.pressed) == ([0], b"\x3a\xba")


def test_another_lock_key_outdates_what_the_viewer_told(guest: Guest, core: FakeCore) -> None:
    guest.sync.key_pressed(CAPS_KEY)
    guest.sync.told(CAPS)
    core.advance(SETTLING - 0.1)
    guest.sync.key_pressed(CAPS_KEY)
    core.advance(SETTLING)
    assert (guest.told, guest.pressed) == ([0], b"")


def test_only_the_last_that_the_viewer_told_counts(guest: Guest, core: FakeCore) -> None:
    guest.sync.key_pressed(CAPS_KEY)
    guest.sync.told(CAPS)
    core.advance(1)
    guest.sync.told(NUM)
    core.advance(SETTLING)
    assert (guest.told, guest.pressed) == ([0], b"\x45\xc5")


@pytest.mark.parametrize("code", [b"\x1e", b"\xe0\x46", b"\xe1\x1d\x45"])
def test_other_keys_delay_nothing(guest: Guest, code: bytes) -> None:
    """Break and Pause have bytes of lock keys in their codes."""
    guest.sync.key_pressed(code)
    guest.sync.told(CAPS)
    assert guest.pressed == b"\x3a\xba"


def test_a_lock_key_of_long_ago_delays_nothing(guest: Guest, core: FakeCore) -> None:
    guest.sync.key_pressed(CAPS_KEY)
    core.advance(SETTLING)
    guest.sync.told(CAPS)
    assert guest.pressed == b"\x3a\xba"


def test_nothing_happens_after_the_viewer_is_gone(guest: Guest, core: FakeCore) -> None:
    guest.sync.told(0)
    guest.sync.stop()
    core.advance(60)
    assert guest.told == []


def test_a_viewer_that_goes_as_a_key_is_pressed_for_it_leaves_no_timer(core: FakeCore) -> None:
    sync: LedSync
    sync = LedSync(core, lambda: 0, lambda codes: sync.stop(), lambda: None)
    sync.told(NUM)
    assert core.armed == 0
