"""The SASL dialogue as it is on the wire, after the viewer has chosen SASL.

    viewer                               server
                                   ◄──   size, names of the mechanisms ",A,B,"
    size, name                     ──►
    size, data                     ──►
                                   ◄──   size, data, u8 1 if that was all
    (the last two again and again, until all is said)
                                   ◄──   u32 0: accepted, or u32 1 and the reason: size, data

Sizes are u32, little endian. Data ends with a NUL that counts, so the size 0, for no data at all,
differs from 1, for empty data. It goes on with the link result as after a ticket.

The stage is a table like the link stage, which owns it and feeds it. It has an end: a viewer may
have nothing to say once, then every mechanism takes a fixed number of messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar, NoReturn

from redspice.errors import LinkError
from redspice.link_messages import WORD, WORD_SIZE, build_error_reply
from redspice.sasl.mechanism import denied
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from redspice.sasl.mechanism import Mechanism

# Far more than the names that are offered have; viewers allow this much.
MAX_NAME_SIZE = 100
# Two names of the greatest length and a password fit several times. Viewers would take a megabyte,
# which nobody who has not proved who he is should make us keep.
MAX_DATA_SIZE = 4096


REASON = b"Authentication failed\0"
# The end of the dialogue without data, then the result and its reason. The same whatever was wrong:
# a viewer is not told which names there are. The reference server leaves the end out, so that a
# viewer takes the result for the size of data.
DENIAL = WORD.pack(0) + b"\1" + WORD.pack(LinkErr.ERROR) + WORD.pack(len(REASON)) + REASON


class SaslState(Enum):
    NAME_SIZE = auto()
    NAME = auto()
    DATA_SIZE = auto()
    DATA = auto()
    CHECK = auto()
    ACCEPTED = auto()


class SaslStage:
    """The server's side of one dialogue."""

    def __init__(self, offers: Mapping[str, Callable[[], Mechanism]]) -> None:
        self.state = SaslState.NAME_SIZE
        self.user = ""
        """Who the viewer is, in the states CHECK and ACCEPTED."""
        self.check: Callable[[], bool] | None = None
        """In the state CHECK: what has to be computed, for `checked`."""
        self._offers = offers
        self._mechanism: Mechanism | None = None
        self._silent = False
        self._size = 0
        self._reply: bytes | None = None
        names = f",{','.join(offers)},".encode()
        self._output = bytearray(WORD.pack(len(names)) + names)

    @property
    def wanted(self) -> int | None:
        """The size of the next piece of input; None in the states without one."""
        expected = self.EXPECTS.get(self.state)
        if expected is None:
            return None
        return expected[0] or self._size

    def take(self, piece: bytes) -> None:
        """Take the next piece. Raises `LinkError` when the viewer may not come in."""
        self.state = self.EXPECTS[self.state][1](self, piece)

    def checked(self, good: bool) -> None:
        """What `check` has found out. Raises `LinkError` if the viewer may not come in."""
        self.check = None
        if not good:
            self._output += DENIAL
            raise denied(f"user {self.user!r}: the password is wrong or nobody has this name")
        self.state = self._accept(self._reply)

    def data_to_send(self) -> bytes:
        """What is to be sent now; it is not returned again."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def _on_name_size(self, data: bytes) -> SaslState:
        (self._size,) = WORD.unpack(data)
        if not 0 < self._size <= MAX_NAME_SIZE:
            self._refuse(f"the name of a mechanism has {self._size} bytes, not 1..{MAX_NAME_SIZE}")
        return SaslState.NAME

    def _on_name(self, data: bytes) -> SaslState:
        make = self._offers.get(data.decode("latin-1"))
        if make is None:
            self._refuse(f"the mechanism {data!r} is not offered")
        self._mechanism = make()
        return SaslState.DATA_SIZE

    def _on_data_size(self, data: bytes) -> SaslState:
        (self._size,) = WORD.unpack(data)
        if self._size > MAX_DATA_SIZE:
            self._refuse(f"a message of {self._size} bytes, at most {MAX_DATA_SIZE}")
        if self._size > 0:
            return SaslState.DATA
        if self._silent:
            self._refuse("the viewer has nothing to say a second time")
        self._silent = True
        self._answer(None, complete=False)
        return SaslState.DATA_SIZE

    def _on_data(self, data: bytes) -> SaslState:
        assert self._mechanism is not None
        if data[-1] != 0:
            self._refuse("a message does not end with its NUL")
        try:
            answer = self._mechanism.step(data[:-1])
        except LinkError:
            self._output += DENIAL
            raise
        if answer.user is None:
            self._answer(answer.reply, complete=False)
            return SaslState.DATA_SIZE
        self.user = answer.user
        if answer.check is None:
            return self._accept(answer.reply)
        self.check, self._reply = answer.check, answer.reply
        return SaslState.CHECK

    def _accept(self, reply: bytes | None) -> SaslState:
        self._answer(reply, complete=True)
        self._output += WORD.pack(LinkErr.OK)
        return SaslState.ACCEPTED

    def _answer(self, reply: bytes | None, complete: bool) -> None:
        data = b"" if reply is None else reply + b"\0"
        self._output += WORD.pack(len(data)) + data + bytes([complete])

    def _refuse(self, reason: str) -> NoReturn:
        """The viewer breaks the protocol, so it is told as it is told before the dialogue."""
        self._output += build_error_reply(LinkErr.INVALID_DATA)
        raise LinkError(LinkErr.INVALID_DATA, f"SASL: {reason}")

    EXPECTS: ClassVar[
        Mapping[SaslState, tuple[int | None, Callable[[SaslStage, bytes], SaslState]]]
    ] = {
        # None: the size that was given before.
        SaslState.NAME_SIZE: (WORD_SIZE, _on_name_size),
        SaslState.NAME: (None, _on_name),
        SaslState.DATA_SIZE: (WORD_SIZE, _on_data_size),
        SaslState.DATA: (None, _on_data),
    }
