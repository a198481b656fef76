"""`python -m soak.shaper NAME DELAY_MS RATE_MBIT LOSS`: a long line between two network namespaces.

For kernels without netem: two TUN devices, and this process carries every packet from one to the
other. Each way has a serial line of RATE_MBIT with a queue in front that drops what does not fit,
then a delay of DELAY_MS; LOSS is the part of packets that get lost. The namespaces are NAME-a, with
`SERVER`, and NAME-b, with `VIEWER`. Prints READY; a line on stdin cuts the line, the next one
joins it again, and the end of stdin removes it all. Needs root.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

SERVER, VIEWER = "10.99.0.1", "10.99.0.2"
QUEUE_BYTES = 128 * 1024
PACKETS_AT_ONCE = 64
SEED = 7

TUN = "/dev/net/tun"
SET_INTERFACE = 0x400454CA
TUN_WITHOUT_HEADER = 0x1001
MAX_PACKET = 65535


class Way:
    """One direction: packets from one device to the other."""

    def __init__(self, source: int, target: int, delay: float, rate: float, loss: float) -> None:
        self.source = source
        self._target = target
        self._delay = delay
        self._rate = rate
        self._loss = loss
        self._free_at = 0.0
        self._packets: deque[tuple[float, bytes]] = deque()
        self._chance = random.Random(SEED)

    @property
    def due(self) -> float | None:
        """When the next packet arrives."""
        return self._packets[0][0] if self._packets else None

    def take(self, now: float, cut: bool) -> None:
        """Take what the system sends."""
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(self.source, MAX_PACKET)
            except BlockingIOError:
                return
            full = (self._free_at - now) * self._rate > QUEUE_BYTES
            if cut or full or self._chance.random() < self._loss:
                continue
            self._free_at = max(now, self._free_at) + len(packet) / self._rate
            self._packets.append((self._free_at + self._delay, packet))

    def give(self, now: float) -> None:
        """Deliver what has arrived."""
        while self._packets and self._packets[0][0] <= now:
            with contextlib.suppress(OSError):
                os.write(self._target, self._packets.popleft()[1])


def open_device(name: str) -> int:
    device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, SET_INTERFACE, struct.pack("16sH22x", name.encode(), TUN_WITHOUT_HEADER))
    return device


def ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True)


@contextmanager
def namespaces(name: str) -> Iterator[list[int]]:
    """The two devices, each in a namespace of its own."""
    devices = []
    try:
        for side, address in (("a", SERVER), ("b", VIEWER)):
            space, device = f"{name}-{side}", f"{name}{side}"
            ip("netns", "add", space)
            devices.append(open_device(device))
            ip("link", "set", device, "netns", space)
            ip("-n", space, "addr", "add", f"{address}/24", "dev", device)
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", device, "up")
        yield devices
    finally:
        for side in "ab":
            subprocess.run(("ip", "netns", "del", f"{name}-{side}"), check=False)


def carry(ways: list[Way]) -> None:
    """Carry packets until stdin ends."""
    poll = select.poll()
    for descriptor in (*(way.source for way in ways), sys.stdin.fileno()):
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
    cut = False
    while True:
        now = time.monotonic()
        due = min((way.due for way in ways if way.due is not None), default=now + 1)
        ready = [descriptor for descriptor, _ in poll.poll(max(0.0, (due - now) * 1000))]
        if sys.stdin.fileno() in ready:
            if not os.read(sys.stdin.fileno(), 1):
                return
            cut = not cut
        now = time.monotonic()
        for way in ways:
            way.take(now, cut)
            way.give(now)


def main() -> None:
    name, delay, rate, loss = sys.argv[1:]
    speed = float(rate) * 1e6 / 8
    with namespaces(name) as (one, other):
        print("READY", flush=True)
        ends = ((one, other), (other, one))
        carry([Way(*end, float(delay) / 1000, speed, float(loss)) for end in ends])


if __name__ == "__main__":
    main()
