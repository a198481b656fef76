"""The viewer `device_client.py` as an object of the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interop.gtk_viewer import GtkViewer
from interop.peers import SYSTEM_PYTHON, require_spice_gtk, viewer_environment

SCRIPT = Path(__file__).with_name("device_client.py")


def pattern(size: int) -> bytes:
    """What it writes to a port when it is to write so many bytes."""
    return b"".join(b"%08d" % number for number in range(size // 8 + 1))[:size]


@contextmanager
def device_viewer(folder: Path, port: int, *options: str) -> Iterator[GtkViewer]:
    """A viewer on its way to a server; `folder` is for its files."""
    require_spice_gtk()
    folder.mkdir(exist_ok=True)
    with subprocess.Popen(
        [SYSTEM_PYTHON, str(SCRIPT), "--port", str(port), *options],
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
