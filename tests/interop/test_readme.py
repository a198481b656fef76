"""The server of the README, as it stands there, shows its picture to a real viewer."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from interop.peers import PATIENCE
from interop.screenshot import Screenshot

README = Path(__file__).parent.parent.parent / "README.md"
POLL = 0.02  # seconds between two looks at a port that nobody listens on yet


def program(port: int) -> str:
    """The first Python program of the README, on another port."""
    match = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    return match[1].replace("5900", str(port))


def free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(text: str, port: int) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", text]) as process:
        try:
            give_up = time.monotonic() + PATIENCE
            while process.poll() is None and time.monotonic() < give_up:
                with closing(socket.socket()) as sock:
                    sock.settimeout(POLL)
                    if sock.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(POLL)
            yield
        finally:
            process.kill()


def test_the_server_of_the_readme_shows_its_screen(screenshot: Screenshot) -> None:
    port = free_port()
    with running(program(port), port):
        picture = screenshot.take_from(port)
    assert picture.size == (640, 480)
    assert picture.getcolors() == [(640 * 480, (0, 0, 0))]


def test_it_is_as_short_as_the_readme_says() -> None:
    lines = [line for line in program(5900).splitlines() if line.strip()]
    assert len(lines) <= 20
