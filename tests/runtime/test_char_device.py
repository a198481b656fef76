"""The core of char devices: the queue toward the guest, tokens both ways, fair reading."""

from __future__ import annotations

import pytest

from redspice.char_device import READ_STEPS, WRITE_RETRY, CharDevice
from redspice.errors import ConfigurationError, ProtocolError
from redspice.interfaces import CharDeviceInterface
from redspice.limits import DEFAULT_LIMITS, Limits
from runtime.fake_core import FakeCore

TOKEN_TIMEOUT = DEFAULT_LIMITS.device_token_timeout


class Guest(CharDeviceInterface):
    """The guest's end: what it said waits in `says`; it takes `room` bytes."""

    def __init__(self, says: bytes = b"", room: int = 1 << 20) -> None:
        super().__init__("port")
        self.says = bytearray(says)
        self.heard = bytearray()
        self.room = room
        self.states: list[bool] = []

    def state(self, connected: bool) -> None:
        self.states.append(connected)

    def write(self, data: memoryview) -> int:
        taken = data[: self.room]
        self.room -= len(taken)
        self.heard += taken
        return len(taken)

    def read(self, most: int) -> bytes:
        data = bytes(self.says[:most])
        del self.says[:most]
        return data


class Pairs(CharDevice[str, bytes]):
    """A device whose messages have two bytes each."""

    tokens = 4
    token_batch = 2
    max_waiting = 3

    def __init__(self, core: FakeCore, guest: CharDeviceInterface) -> None:
        super().__init__(core, guest, lambda: self.limits)
        self.limits = DEFAULT_LIMITS
        self.got: dict[str, list[bytes]] = {}
        self.returned: list[tuple[str, int]] = []
        self.dropped: list[tuple[str, str]] = []
        self.full: set[str] = set()
        self.own = 0

    def read_step(self) -> bool:
        message = self.receive(2)
        if message is None:
            return False
        self.send(message)
        return True

    def send_message(self, client: str, message: bytes) -> None:
        self.got.setdefault(client, []).append(message)

    def send_tokens(self, client: str, count: int) -> None:
        self.returned.append((client, count))

    def drop_client(self, client: str, reason: str) -> None:
        self.dropped.append((client, reason))

    def has_room(self, client: str) -> bool:
        return client not in self.full

    def written(self) -> None:
        self.own += 1


def device(core: FakeCore, guest: CharDeviceInterface) -> Pairs:
    pairs = Pairs(core, guest)
    pairs.open()
    return pairs


# Toward the guest.


def test_what_the_device_takes_in_pieces_arrives_whole_and_in_order(core: FakeCore) -> None:
    guest = Guest(room=3)
    pairs = device(core, guest)
    pairs.write(b"abcde")
    pairs.write(b"fg")
    assert (bytes(guest.heard), pairs.queued, pairs.own) == (b"abc", 4, 0)
    guest.room = 3
    guest.wakeup()
    assert (bytes(guest.heard), pairs.queued, pairs.own) == (b"abcdef", 1, 1)
    guest.room = 3
    guest.wakeup()
    assert (bytes(guest.heard), pairs.queued, pairs.own) == (b"abcdefg", 0, 2)


def test_a_device_that_never_wakes_the_server_is_asked_again(core: FakeCore) -> None:
    guest = Guest(room=0)
    pairs = device(core, guest)
    pairs.write(b"ab")
    guest.room = 1
    core.advance(WRITE_RETRY)
    assert guest.heard == b"a"
    guest.room = 1
    core.advance(WRITE_RETRY)
    assert guest.heard == b"ab"
    assert core.armed == 0


def test_tokens_come_back_in_batches_once_the_guest_took_the_bytes(core: FakeCore) -> None:
    guest = Guest(room=0)
    pairs = device(core, guest)
    pairs.add_client("a")
    for data in (b"12", b"34", b"56"):
        pairs.spend("a")
        pairs.write(data, "a")
    assert (pairs.tokens_of("a"), pairs.returned) == (1, [])
    guest.room = 3
    guest.wakeup()
    assert pairs.returned == []
    guest.room = 100
    guest.wakeup()
    assert pairs.returned == [("a", 2)]
    assert pairs.tokens_of("a") == 3


def test_a_message_more_than_the_tokens_is_the_viewers_error(core: FakeCore) -> None:
    pairs = device(core, Guest(room=0))
    pairs.add_client("a")
    for _ in range(4):
        pairs.spend("a")
    with pytest.raises(ProtocolError, match="more than the 4"):
        pairs.spend("a")


def test_a_refund_gives_the_token_of_a_message_that_nobody_writes(core: FakeCore) -> None:
    pairs = device(core, Guest(room=0))
    pairs.add_client("a")
    for _ in range(2):
        pairs.spend("a")
        pairs.refund("a")
    assert pairs.returned == [("a", 2)]
    pairs.refund("nobody")


def test_tokens_of_a_viewer_that_left_do_not_go_to_its_successor(core: FakeCore) -> None:
    guest = Guest(room=0)
    pairs = device(core, guest)
    pairs.add_client("a")
    for _ in range(4):
        pairs.spend("a")
        pairs.write(b"x", "a")
    pairs.remove_client("a")
    pairs.add_client("a")
    guest.room = 4
    guest.wakeup()
    assert guest.heard == b"xxxx"
    assert (pairs.returned, pairs.tokens_of("a")) == ([], 4)


@pytest.mark.parametrize("taken", [-1, 3])
def test_a_device_that_takes_what_it_was_not_given_is_an_error(core: FakeCore, taken: int) -> None:
    class Liar(Guest):
        def write(self, data: memoryview) -> int:
            return taken

    pairs = device(core, Liar())
    with pytest.raises(ConfigurationError, match=f"write of 2 bytes to the device .* {taken}"):
        pairs.write(b"ab")


def test_a_device_may_be_closed_by_what_it_is_given(core: FakeCore) -> None:
    class Closing(Guest):
        def write(self, data: memoryview) -> int:
            pairs.close()
            return len(data)

    pairs = device(core, Closing())
    pairs.write(b"ab")
    assert (pairs.queued, pairs.own, core.armed) == (0, 0, 0)


# Toward the viewers.


def test_the_guest_is_read_while_the_viewer_has_granted_tokens(core: FakeCore) -> None:
    guest = Guest(b"aabbcc")
    pairs = device(core, guest)
    pairs.add_client("a", grant=0)
    assert guest.says == b"aabbcc"
    pairs.grant("a", 2)
    assert pairs.got == {"a": [b"aa", b"bb"]}
    assert guest.says == b"cc"
    pairs.grant("a", 9)
    assert pairs.got == {"a": [b"aa", b"bb", b"cc"]}


def test_a_viewer_without_tokens_at_all_gets_everything(core: FakeCore) -> None:
    pairs = device(core, Guest(b"aabbcc"))
    pairs.add_client("a")
    assert pairs.got == {"a": [b"aa", b"bb", b"cc"]}
    pairs.grant("a", 1)


def test_nothing_is_read_while_there_is_nobody(core: FakeCore) -> None:
    guest = Guest(b"aa")
    device(core, guest)
    assert guest.says == b"aa"


def test_the_guest_is_not_read_while_the_connection_is_full(core: FakeCore) -> None:
    guest = Guest()
    pairs = device(core, guest)
    pairs.full.add("a")
    pairs.add_client("a")
    guest.says += b"aa"
    guest.wakeup()
    assert guest.says == b"aa"
    pairs.full.clear()
    pairs.room_again()
    core.advance(0)
    assert pairs.got == {"a": [b"aa"]}
    pairs.room_again()
    assert core.armed == 0


def test_a_message_that_comes_in_pieces_waits_for_its_end(core: FakeCore) -> None:
    guest = Guest(b"a")
    pairs = device(core, guest)
    pairs.add_client("a")
    assert pairs.got == {}
    guest.says += b"bc"
    guest.wakeup()
    assert pairs.got == {"a": [b"ab"]}


def test_a_slow_viewer_does_not_delay_another(core: FakeCore) -> None:
    guest = Guest(b"aabb")
    pairs = device(core, guest)
    pairs.add_client("slow", grant=0)
    pairs.add_client("quick")
    assert pairs.got == {"quick": [b"aa", b"bb"]}
    pairs.grant("slow", 1)
    pairs.grant("slow", 1)
    assert pairs.got["slow"] == [b"aa", b"bb"]
    assert core.armed == 0


def test_a_slow_viewer_beside_others_is_dropped_when_too_much_waits(core: FakeCore) -> None:
    pairs = device(core, Guest(b"aabbccdd"))
    pairs.add_client("slow", grant=0)
    pairs.add_client("quick")
    assert pairs.dropped == [("slow", "3 messages of the device wait for the viewer")]
    assert pairs.got == {"quick": [b"aa", b"bb", b"cc", b"dd"]}
    assert pairs.clients == ("quick",)


def test_a_viewer_that_takes_nothing_for_long_is_dropped(core: FakeCore) -> None:
    pairs = device(core, Guest(b"aabb"))
    pairs.add_client("slow", grant=0)
    pairs.add_client("quick")
    core.advance(TOKEN_TIMEOUT - 1)
    pairs.grant("slow", 1)
    core.advance(TOKEN_TIMEOUT - 1)
    assert pairs.dropped == []
    core.advance(1)
    assert pairs.dropped == [("slow", "no tokens or room for the device in 30 s")]


def test_the_time_to_take_something_is_that_of_the_limits_when_it_comes(core: FakeCore) -> None:
    guest = Guest()
    pairs = device(core, guest)
    pairs.add_client("slow", grant=0)
    pairs.add_client("quick")
    pairs.limits = Limits(device_token_timeout=2.0)
    guest.says += b"aa"
    guest.wakeup()
    pairs.limits = DEFAULT_LIMITS
    core.advance(1.9)
    assert pairs.dropped == []
    core.advance(0.1)
    assert pairs.dropped == [("slow", "no tokens or room for the device in 2 s")]


def test_a_guest_that_never_stops_leaves_the_loop_to_others(core: FakeCore) -> None:
    pairs = Pairs(core, Guest(b"zz" * (READ_STEPS + 5)))
    pairs.open()
    pairs.add_client("a")
    assert len(pairs.got["a"]) == READ_STEPS
    core.advance(0)
    assert len(pairs.got["a"]) == READ_STEPS + 5
    assert core.armed == 0


def test_a_device_that_returns_more_than_it_was_asked_for_is_an_error(core: FakeCore) -> None:
    class Liar(Guest):
        def read(self, most: int) -> bytes:
            return bytes(most + 1)

    pairs = device(core, Liar())
    with pytest.raises(ConfigurationError, match=r"read\(2\) of the device returned 3 bytes"):
        pairs.add_client("a")


def test_a_wakeup_out_of_a_read_does_not_read_twice(core: FakeCore) -> None:
    class Eager(Guest):
        def read(self, most: int) -> bytes:
            self.wakeup()
            return super().read(most)

    pairs = device(core, Eager(b"aabb"))
    pairs.add_client("a")
    assert pairs.got == {"a": [b"aa", b"bb"]}


def test_a_device_that_is_closed_by_its_own_read_is_not_read_on(core: FakeCore) -> None:
    class Closing(Guest):
        def read(self, most: int) -> bytes:
            pairs.close()
            return super().read(1)

    guest = Closing(b"aabb")
    pairs = device(core, guest)
    pairs.add_client("a")
    assert guest.says == b"abb"
    pairs.open()
    pairs.add_client("b")
    assert guest.says == b"bb"
    assert pairs.got == {}


# The life of a device.


def test_the_device_hears_of_its_use(core: FakeCore) -> None:
    guest = Guest(room=0)
    pairs = device(core, guest)
    pairs.add_client("a", grant=0)
    pairs.write(b"x")
    assert guest.states == [True]
    pairs.close()
    pairs.close()
    assert guest.states == [True, False]
    pairs.write(b"y")
    assert (pairs.clients, pairs.queued, core.armed) == ((), 0, 0)
    guest.wakeup()


def test_a_viewer_uses_a_device_once(core: FakeCore) -> None:
    pairs = device(core, Guest())
    pairs.add_client("a")
    with pytest.raises(ValueError, match="'a' uses the device already"):
        pairs.add_client("a")
    pairs.remove_client("a")
    pairs.remove_client("a")


def test_a_viewer_may_leave_while_it_is_given_something(core: FakeCore) -> None:
    class Leaving(Pairs):
        def send_message(self, client: str, message: bytes) -> None:
            super().send_message(client, message)
            self.remove_client("a")

    pairs = Leaving(core, Guest(b"aabb"))
    pairs.open()
    pairs.add_client("a")
    assert pairs.got == {"a": [b"aa"]}


def test_a_viewer_may_be_sent_away_while_another_is_given_the_same(core: FakeCore) -> None:
    class Jealous(Pairs):
        def send_message(self, client: str, message: bytes) -> None:
            super().send_message(client, message)
            self.remove_client("b")

    pairs = Jealous(core, Guest())
    pairs.open()
    for client in ("a", "b", "c"):
        pairs.add_client(client)
    pairs.send(b"aa")
    assert pairs.got == {"a": [b"aa"], "c": [b"aa"]}


def test_a_device_that_is_closed_by_the_last_message_of_a_turn_has_no_other_turn(
    core: FakeCore,
) -> None:
    class Closing(Pairs):
        def send_message(self, client: str, message: bytes) -> None:
            super().send_message(client, message)
            if len(self.got[client]) == READ_STEPS:
                self.close()

    guest = Guest(b"zz" * (READ_STEPS + 1))
    pairs = Closing(core, guest)
    pairs.open()
    pairs.add_client("a")
    assert (len(pairs.got["a"]), guest.states) == (READ_STEPS, [True, False])
    assert core.armed == 0
