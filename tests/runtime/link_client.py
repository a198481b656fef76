"""The viewer's side of the link stage, written for tests from the layout of its messages alone.

Bytes in, bytes out, split wherever a test likes: what it wants to say is in `output`, what it was
told ends in `outcome`. What it knows of itself is its `Credentials`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar

from scramp import ScramClient

from redspice.caps import CommonCap
from redspice_protocol import Buffer
from runtime.peer import COMMON_CAPS, Peer, link_message

SASL_CAPS = (*COMMON_CAPS, CommonCap.AUTH_SASL)
NO_KEY = bytes(162)


@dataclass(frozen=True)
class Credentials:
    """What a viewer was given by its user."""

    password: str = ""
    user: str = "nobody"
    mechanism: str = "SCRAM-SHA-256"


class State(Enum):
    HEADER = auto()
    REPLY = auto()
    NAMES_SIZE = auto()
    NAMES = auto()
    DATA_SIZE = auto()
    DATA = auto()
    COMPLETE = auto()
    SASL_RESULT = auto()
    REASON_SIZE = auto()
    REASON = auto()
    RESULT = auto()
    LATE_HEADER = auto()
    LATE_REPLY = auto()
    OVER = auto()


def word(number: int) -> bytes:
    return struct.pack("<I", number)


def sized(data: bytes) -> bytes:
    return word(len(data)) + data


class Dialogue:
    """What a viewer says in one SASL mechanism, message by message."""

    def __init__(self, credentials: Credentials) -> None:
        user, password = credentials.user, credentials.password
        self.proved = True
        self._steps: Iterator[Callable[[bytes], bytes]]
        if credentials.mechanism.startswith("SCRAM"):
            self.proved = False
            self._scram = ScramClient([credentials.mechanism], user, password)
            self._steps = iter((self._first, self._final, self._proof))
        else:
            plain = f"\0{user}\0{password}" if credentials.mechanism == "PLAIN" else user
            self._steps = iter((lambda _: plain.encode(), lambda _: b""))

    def answer(self, data: bytes) -> bytes:
        return next(self._steps)(data)

    def _first(self, _: bytes) -> bytes:
        return self._scram.get_client_first().encode()

    def _final(self, data: bytes) -> bytes:
        self._scram.set_server_first(data.decode())
        return self._scram.get_client_final().encode()

    def _proof(self, data: bytes) -> bytes:
        self._scram.set_server_final(data.decode())
        self.proved = True
        return b""


class LinkClient:
    """One link stage."""

    def __init__(
        self,
        channel: str,
        credentials: Credentials,
        *,
        common_caps: Iterable[int] = SASL_CAPS,
        choose: int | None = None,
        **message: Any,
    ) -> None:
        self.output = bytearray(link_message(channel, common_caps=common_caps, **message))
        self.outcome: int | None = None
        """The link result, or the error of a reply; None so far."""
        self.public_key = b""
        self.names: list[str] = []
        self.trailing = bytearray()
        self._credentials = credentials
        self._selects = CommonCap.AUTH_SELECTION in tuple(common_caps)
        self._choose = choose
        self._dialogue = Dialogue(credentials)
        self._state = State.HEADER
        self._size = 16
        self._input = bytearray()
        self._data = b""

    def receive_data(self, data: Buffer) -> None:
        self._input += data
        while self._state is not State.OVER and len(self._input) >= self._size:
            piece = bytes(self._input[: self._size])
            del self._input[: self._size]
            self._state, self._size = self.HANDLERS[self._state](self, piece)
        if self._state is State.OVER:
            self.trailing += self._input
            self._input.clear()

    def _on_header(self, data: bytes) -> tuple[State, int]:
        assert data[:12] == struct.pack("<4sII", b"REDQ", 2, 2)
        return State.REPLY, int.from_bytes(data[12:], "little")

    def _on_reply(self, data: bytes) -> tuple[State, int]:
        error, self.public_key, common, own, offset = struct.unpack_from("<I162sIII", data)
        if error:
            assert data[4:] == bytes(174)
            return self._end(error)
        assert len(data) == offset + 4 * (common + own)
        offered = struct.unpack_from("<I", data, offset)[0]
        return self._authenticate(bool(offered >> CommonCap.AUTH_SASL & 1))

    def _authenticate(self, sasl: bool) -> tuple[State, int]:
        if self._selects:
            choice = CommonCap.AUTH_SASL if sasl else CommonCap.AUTH_SPICE
            self.output += word(choice if self._choose is None else self._choose)
        if sasl:
            assert self.public_key == NO_KEY
            return State.NAMES_SIZE, 4
        self.output += Peer.encrypt(self.public_key, self._credentials.password)
        return State.RESULT, 4

    def _on_names_size(self, data: bytes) -> tuple[State, int]:
        if data == b"REDQ":
            return State.LATE_HEADER, 12
        return State.NAMES, int.from_bytes(data, "little")

    def _on_names(self, data: bytes) -> tuple[State, int]:
        assert data[:1] == data[-1:] == b","
        self.names = data.decode()[1:-1].split(",")
        self.output += sized(self._credentials.mechanism.encode())
        self._say(self._dialogue.answer(b""))
        return State.DATA_SIZE, 4

    def _on_data_size(self, data: bytes) -> tuple[State, int]:
        if data == b"REDQ":
            return State.LATE_HEADER, 12
        return State.DATA, int.from_bytes(data, "little")

    def _on_data(self, data: bytes) -> tuple[State, int]:
        assert not data or data[-1] == 0
        self._data = data[:-1]
        return State.COMPLETE, 1

    def _on_complete(self, data: bytes) -> tuple[State, int]:
        if data == b"\0":
            self._say(self._dialogue.answer(self._data))
            return State.DATA_SIZE, 4
        if self._data:
            self._dialogue.answer(self._data)
        return State.SASL_RESULT, 4

    def _on_sasl_result(self, data: bytes) -> tuple[State, int]:
        if data == word(0):
            assert self._dialogue.proved, "the server has not proved that it knows the password"
            return State.RESULT, 4
        assert data == word(1)
        return State.REASON_SIZE, 4

    def _on_reason_size(self, data: bytes) -> tuple[State, int]:
        return State.REASON, int.from_bytes(data, "little")

    def _on_reason(self, data: bytes) -> tuple[State, int]:
        assert data == b"Authentication failed\0"
        return self._end(7)

    def _on_result(self, data: bytes) -> tuple[State, int]:
        if data == b"REDQ":
            return State.LATE_HEADER, 12
        return self._end(int.from_bytes(data, "little"))

    def _on_late_header(self, data: bytes) -> tuple[State, int]:
        assert data == struct.pack("<III", 2, 2, 178)
        return State.LATE_REPLY, 178

    def _on_late_reply(self, data: bytes) -> tuple[State, int]:
        assert data[4:] == bytes(174)
        return self._end(int.from_bytes(data[:4], "little"))

    def _say(self, data: bytes) -> None:
        self.output += sized(data + b"\0")

    def _end(self, outcome: int) -> tuple[State, int]:
        self.outcome = outcome
        return State.OVER, 0

    HANDLERS: ClassVar[Mapping[State, Callable[[LinkClient, bytes], tuple[State, int]]]] = {
        State.HEADER: _on_header,
        State.REPLY: _on_reply,
        State.NAMES_SIZE: _on_names_size,
        State.NAMES: _on_names,
        State.DATA_SIZE: _on_data_size,
        State.DATA: _on_data,
        State.COMPLETE: _on_complete,
        State.SASL_RESULT: _on_sasl_result,
        State.REASON_SIZE: _on_reason_size,
        State.REASON: _on_reason,
        State.RESULT: _on_result,
        State.LATE_HEADER: _on_late_header,
        State.LATE_REPLY: _on_late_reply,
    }


def run_link(peer: Peer, client: LinkClient, *, step: int = 1 << 16) -> int | None:
    """Let both talk, at most `step` bytes at once, and the core work, until the viewer knows.

    Returns the client's outcome; None if the server hung up without an answer.
    """
    while client.outcome is None:
        peer.read()
        if peer.inbox:
            client.receive_data(bytes(peer.inbox[:step]))
            del peer.inbox[:step]
        elif client.output:
            peer.send_bytes(bytes(client.output[:step]))
            del client.output[:step]
        elif not peer.do_job():
            break
    return client.outcome
