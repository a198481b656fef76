"""The test's end of `gtk_client.py`: orders, what happened, and the picture."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from interop.peers import PATIENCE, SYSTEM_PYTHON, viewer_environment
from interop.pictures import from_bgrx
from interop.record import LineReader

SCRIPT = Path(__file__).with_name("gtk_client.py")
CHANNELS = ("main-0", "display-0", "inputs-0", "cursor-0")

Event = list[str | int]


class GtkViewer:
    """A viewer in another process."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._orders = process.stdin
        self._lines = LineReader(process.stdout).lines
        self._surface = folder / "surface.raw"

    def order(self, name: str, *arguments: str | int) -> None:
        """Have it do something; the orders are those of `gtk_client.py`."""
        self._orders.write(json.dumps([name, *arguments]) + "\n")
        self._orders.flush()

    def events(self, *names: str) -> list[Event]:
        """What happened so far, of these kinds or of every kind."""
        return _chosen(self._lines.items(), names)

    def wait_for(self, *events: Event) -> None:
        """Wait until all these have happened, in any order."""
        wanted = [json.dumps(event) for event in events]
        self._lines.wait(lambda lines: all(line in lines for line in wanted), str(wanted))

    def wait_for_count(self, count: int, *names: str) -> list[Event]:
        """Wait for so many events of these kinds and return them."""
        what = f"{count} x {names}"
        lines = self._lines.wait(lambda lines: len(_chosen(lines, names)) >= count, what)
        return _chosen(lines, names)

    def wait_opened(self) -> None:
        """Wait for all channels, for the first picture and for the lock lights."""
        self.wait_for(*(["opened", channel] for channel in CHANNELS), ["mark", 1])
        self.wait_for_count(1, "modifiers")

    def ask(self, name: str, answer: str, *arguments: str | int) -> Event:
        """Give an order that is answered by an event, and wait for that."""
        before = len(self.events(answer))
        self.order(name, *arguments)
        return self.wait_for_count(before + 1, answer)[before]

    def picture(self) -> Image.Image | None:
        """What it would show now; None without a surface, as in the middle of a resize."""
        pixels, width, height = self.surface()
        return from_bgrx(pixels, width, height) if width else None

    def surface(self) -> tuple[bytes, int, int]:
        """The primary surface, four bytes a pixel, its width and height; all empty without one."""
        _, width, height = self.ask("save", "saved", str(self._surface))
        assert isinstance(width, int)
        assert isinstance(height, int)
        return self._surface.read_bytes() if width else b"", width, height

    def wait_for_picture(self, expected: Image.Image) -> None:
        """Wait until it shows just this picture; looks again whenever something was drawn."""
        drawings = ("invalidate", "mark", "primary-create")
        while True:
            before = len(self.events(*drawings))
            shown = self.picture()
            if shown == expected:
                return
            self.wait_for_count(before + 1, *drawings)

    def quit(self) -> None:
        """Have it leave; its exit must be clean."""
        self.order("quit")
        assert self.process.wait(PATIENCE) == 0


def _chosen(lines: list[str], names: tuple[str, ...]) -> list[Event]:
    events: list[Event] = [json.loads(line) for line in lines]
    return [event for event in events if not names or event[0] in names]


@contextmanager
def gtk_viewer(
    folder: Path, port: int, password: str | None = None, **properties: object
) -> Iterator[GtkViewer]:
    """A viewer on its way to a server; `folder` is for its files.

    The other arguments are properties of its session, such as `tls_port` and `ca_file`.
    """
    given = [] if password is None else ["--password", password]
    for name, value in properties.items():
        given += ["--set", f"{name.replace('_', '-')}={value}"]
    folder.mkdir(exist_ok=True)
    with subprocess.Popen(
        [SYSTEM_PYTHON, str(SCRIPT), "--port", str(port), *given],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=viewer_environment(folder / "home"),
    ) as process:
        try:
            viewer = GtkViewer(process, folder)
            yield viewer
            if process.poll() is None:
                viewer.quit()
        finally:
            process.kill()
