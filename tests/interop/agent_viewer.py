"""The viewer `agent_client.py`, which has a user with a clipboard, as an object of the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interop.gtk_viewer import GtkViewer
from interop.peers import SYSTEM_PYTHON, viewer_environment

SCRIPT = Path(__file__).with_name("agent_client.py")


@contextmanager
def viewer(folder: Path, port: int) -> Iterator[GtkViewer]:
    """spice-gtk with a user, connected to a server with an agent; `folder` is for its files."""
    folder.mkdir()
    with subprocess.Popen(
        [SYSTEM_PYTHON, str(SCRIPT), "--port", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=viewer_environment(folder / "home"),
    ) as process:
        try:
            user = GtkViewer(process, folder)
            user.wait_for(["opened", "inputs-0"], ["opened", "display-0"])
            user.wait_for_count(2, "agent")  # that there is one, and what it can do
            yield user
            user.quit()
        finally:
            process.kill()
