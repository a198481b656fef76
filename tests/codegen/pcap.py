"""Captures made up for the tests: TCP conversations as a pcap file."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_GLOBAL_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
_ETHERNET = bytes(12) + b"\x08\x00"
_IPV4 = ">BBHHHBBHII"
_TCP = ">HHIIBBHHH"
_SYN, _PUSH, _ACK = 2, 8, 16
_CLIENT, _SERVER = 0x0A000001, 0x0A000002
_TCP_PROTOCOL = 6


@dataclass
class Conversation:
    """One TCP connection, segment by segment; without checksums, which tshark does not check."""

    client_port: int
    server_port: int = 5900
    start: int = 1000
    frames: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sent = {"client": self.start, "server": 2 * self.start}
        for side, flags in (("client", _SYN), ("server", _SYN | _ACK)):
            self._frame(side, b"", flags)
            self._sent[side] += 1

    def send(self, side: str, data: bytes, *, segment: int = 1400) -> None:
        """Bytes from `side` to the other, in segments of at most so many bytes."""
        for start in range(0, len(data), segment):
            self._frame(side, data[start : start + segment], _PUSH | _ACK)
            self._sent[side] += len(data[start : start + segment])

    def _frame(self, side: str, data: bytes, flags: int) -> None:
        ports, addresses = (self.client_port, self.server_port), (_CLIENT, _SERVER)
        sequence, acknowledged = self._sent["client"], self._sent["server"]
        if side == "server":
            ports, addresses = ports[::-1], addresses[::-1]
            sequence, acknowledged = acknowledged, sequence
        tcp = struct.pack(_TCP, *ports, sequence, acknowledged, 0x50, flags, 65535, 0, 0)
        size = 20 + len(tcp) + len(data)
        ip = struct.pack(_IPV4, 0x45, 0, size, 0, 0, 64, _TCP_PROTOCOL, 0, *addresses)
        self.frames.append(_ETHERNET + ip + tcp + data)


def pcap(*conversations: Conversation) -> bytes:
    """The file: the conversations one after the other, a frame every millisecond."""
    frames = [frame for conversation in conversations for frame in conversation.frames]
    records = [
        struct.pack("<IIII", i // 1000, i % 1000 * 1000, len(frame), len(frame)) + frame
        for i, frame in enumerate(frames)
    ]
    return _GLOBAL_HEADER + b"".join(records)
