"""spicy-screenshot: connects, waits for the first picture, writes it as PPM, leaves."""

from __future__ import annotations

import subprocess
from pathlib import Path

from PIL import Image

from interop.peers import PATIENCE
from interop.pictures import read_ppm


class Screenshot:
    """The program and the file it writes."""

    def __init__(self, path: Path, environment: dict[str, str]) -> None:
        self.path = path
        self.environment = environment

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it with these arguments, until it ends."""
        self.path.unlink(missing_ok=True)
        return subprocess.run(
            ["spicy-screenshot", *arguments, "-o", str(self.path)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=self.environment,
        )

    def take(self, *arguments: str) -> Image.Image:
        """The picture that it gets with these arguments."""
        result = self.run(*arguments)
        assert result.returncode == 0, result.stderr
        return read_ppm(self.path)

    def take_from(self, port: int | str, password: str | None = None) -> Image.Image:
        """The picture of the server on this port of this machine."""
        given = () if password is None else ("-w", password)
        return self.take("-h", "127.0.0.1", "-p", str(port), *given)
