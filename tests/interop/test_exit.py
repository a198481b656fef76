"""`redspice serve --exit-on-disconnect` ends with its last viewer, and ends well."""

from __future__ import annotations

from pathlib import Path

from interop.command import serve_command
from interop.gtk_viewer import gtk_viewer
from interop.peers import PATIENCE, require_spice_gtk


def test_the_command_ends_with_its_last_viewer(tmp_path: Path) -> None:
    require_spice_gtk()
    with serve_command("demo", "--exit-on-disconnect", "--multi") as server:
        with gtk_viewer(tmp_path / "one", int(server.port)) as first:
            first.wait_opened()
            with gtk_viewer(tmp_path / "two", int(server.port)) as second:
                second.wait_opened()
                first.quit()
                second.order("key_press", 30)
                second.wait_for_count(2, "invalidate")
                assert server.process.poll() is None
                second.quit()
        assert server.process.wait(PATIENCE) == 0
        assert not [line for line in server.log.items() if "Traceback" in line]
