"""One TCP connection that sends all it can: what a line carries, without any of our protocol.

`python -m soak.bulk send HOST SECONDS` prints the port that it listens on and the name of the
congestion control; `python -m soak.bulk receive HOST PORT` prints the bytes a second that came once
the connection was `WARM_UP` seconds old.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time

WARM_UP = 3.0
CHUNK = bytes(64 * 1024)
RESET = struct.pack("ii", 1, 0)
"""Do not deliver what still waits: its time is over."""


def send(host: str, seconds: float) -> None:
    with socket.create_server((host, 0)) as listener:
        control = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
        print(listener.getsockname()[1], control.rstrip(b"\0").decode(), flush=True)
        sock, _ = listener.accept()
    with sock:
        sock.settimeout(seconds)
        end = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            while time.monotonic() < end:
                sock.send(CHUNK)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def receive(host: str, port: int) -> float:
    """Bytes per second."""
    size, started = 0, time.monotonic()
    begin = last = started + WARM_UP
    with socket.create_connection((host, port)) as sock, contextlib.suppress(OSError):
        while data := sock.recv(len(CHUNK)):
            if (now := time.monotonic()) >= begin:
                size, last = size + len(data), now
    return size / max(last - begin, 1e-6)


if __name__ == "__main__":
    what, host, number = sys.argv[1:]
    if what == "send":
        send(host, float(number))
    else:
        print(receive(host, int(number)))
