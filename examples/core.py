"""A program with a loop of its own, by `selectors`: a bar that walks over the screen.

    python examples/core.py
    remote-viewer spice://127.0.0.1:5900

What an emulator with a loop has to do: lend it to the server (`Loop`), and carry bytes between
sockets and connections (`Viewer`). For asyncio `redspice.aio` does both, and more: TLS, WebSocket,
unix sockets, limits for those who connect and never speak.
"""

import argparse
import contextlib
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import TypeVar

from redspice import CoreInterface, Framebuffer, QxlInterface, RedsState, Transport

Result = TypeVar("Result")

WIDTH, HEIGHT, BAR = 640, 480, 8
GROUND, COLOR = (60, 40, 20), (80, 200, 240)
FRAME = 0.05
GOODBYE = 2.0  # seconds that a viewer has to read the last that it is told


class Deadline:
    """A timer."""

    def __init__(self, armed: "set[Deadline]", callback: Callable[[], None]) -> None:
        self.armed, self.callback, self.due = armed, callback, 0.0

    def start(self, delay: float) -> None:
        self.due = time.monotonic() + delay
        self.armed.add(self)

    def cancel(self) -> None:
        self.armed.discard(self)


class Loop(CoreInterface):
    """Waits for sockets, deadlines and what other threads have done."""

    def __init__(self) -> None:
        self.running = True
        self.armed: set[Deadline] = set()
        self.threads = ThreadPoolExecutor()
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.selector = DefaultSelector()
        # A byte into the one end wakes the loop, which waits at the other, for one of `calls`.
        self.waker, self.waking = socket.socketpair()
        self.watch(self.waking, EVENT_READ, self.called)

    def now(self) -> float:
        return time.monotonic()

    def timer(self, callback: Callable[[], None]) -> Deadline:
        return Deadline(self.armed, callback)

    def run_job(self, job: Callable[[], Result], done: Callable[[Result], None]) -> None:
        future = self.threads.submit(job)
        future.add_done_callback(lambda future: self.call(partial(done, future.result())))

    def exit(self) -> None:
        self.call(partial(setattr, self, "running", False))

    def close(self) -> None:
        self.threads.shutdown()
        for each in (self.selector, self.waker, self.waking):
            each.close()

    def call(self, callback: Callable[[], None]) -> None:
        """For other threads, and for signals: call this in the loop."""
        self.calls.put(callback)
        self.waker.send(b".")

    def called(self, events: int) -> None:
        self.waking.recv(1)
        self.calls.get()()

    def watch(self, sock: socket.socket, events: int, ready: Callable[[int], None]) -> None:
        """Call `ready` whenever the socket is; never again without `events`."""
        if sock in self.selector.get_map():
            self.selector.unregister(sock)
        if events:
            self.selector.register(sock, events, ready)

    def turn(self) -> None:
        """Wait for what comes first, and see to it."""
        wait = min((deadline.due - self.now() for deadline in self.armed), default=None)
        for key, events in self.selector.select(wait and max(wait, 0)):
            key.data(events)
        now = self.now()
        for deadline in sorted(self.armed, key=lambda deadline: deadline.due):
            # One before it may have cancelled it or started it anew.
            if deadline in self.armed and deadline.due <= now:
                deadline.cancel()
                deadline.callback()


class Viewer:
    """Carries the bytes of one socket to a connection and back."""

    def __init__(self, loop: Loop, reds: RedsState, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.loop, self.sock, self.rest = loop, sock, memoryview(b"")
        self.goodbye = loop.timer(lambda: self.hang_up("it does not read"))
        host, port = sock.getpeername()
        transport = Transport(f"{host}:{port}", address=host, network=host)
        self.connection = reds.new_connection(transport)
        self.connection.on_output = self.watch
        self.watch()

    def watch(self, writing: bool = True) -> None:
        """Wait for something to read, and for room for what there may be to send."""
        if self.connection.closed:
            self.goodbye.start(GOODBYE)
        reading = self.connection.wants_data and not self.connection.closed
        self.loop.watch(self.sock, EVENT_READ * reading | EVENT_WRITE * writing, self.ready)

    def ready(self, events: int) -> None:
        try:
            if events & EVENT_READ:
                data = self.sock.recv(16 * 1024)
                self.connection.receive_data(data) if data else self.connection.receive_eof()
            if events & EVENT_WRITE:
                self.send()
        except OSError as error:
            self.hang_up(str(error))

    def send(self) -> None:
        self.rest = self.rest or memoryview(b"".join(self.connection.data_to_send()))
        if self.rest:
            self.rest = self.rest[self.sock.send(self.rest) :]
        elif self.connection.closed:
            self.hang_up("closed")
        else:
            self.watch(writing=False)

    def hang_up(self, reason: str) -> None:
        self.connection.on_output = lambda: None
        self.connection.connection_lost(reason)
        self.goodbye.cancel()
        self.loop.watch(self.sock, 0, self.ready)
        self.sock.close()


def serve(loop: Loop, listener: socket.socket) -> None:
    reds, screen = RedsState(), Framebuffer(WIDTH, HEIGHT)
    reds.init(loop)
    reds.set_noauth()
    reds.add_interface(QxlInterface(screen))

    def draw(x: int) -> None:
        screen.fill(0, 0, WIDTH, HEIGHT, GROUND)
        screen.fill(x, 0, x + BAR, HEIGHT, COLOR)
        loop.timer(lambda: draw((x + BAR) % WIDTH)).start(FRAME)

    def accept(events: int) -> None:
        with contextlib.suppress(OSError):  # it has gone already
            Viewer(loop, reds, listener.accept()[0])

    draw(0)
    listener.setblocking(False)
    loop.watch(listener, EVENT_READ, accept)
    print("listening on {}:{}".format(*listener.getsockname()), flush=True)
    while loop.running:
        loop.turn()
    loop.watch(listener, 0, accept)
    reds.shutdown()
    while len(loop.selector.get_map()) > 1:  # besides its own socket: viewers that are told so
        loop.turn()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=5900, help="where viewers connect")
    address = "127.0.0.1", parser.parse_args().port
    try:
        with socket.create_server(address) as listener, contextlib.closing(Loop()) as loop:
            signal.signal(signal.SIGINT, lambda *_: loop.exit())
            serve(loop, listener)
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
