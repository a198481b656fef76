"""The real viewers: whether they are installed, and how to run them quietly.

A missing viewer skips its tests, unless `CI=true`: there everything has to be tried.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

SYSTEM_PYTHON = "/usr/bin/python3"
"""The Python that the system's packages, such as GObject introspection, are for."""

SPICE_GTK_CHECK = "import gi; gi.require_version('SpiceClientGLib', '2.0')"

PATIENCE = 30.0
"""Seconds after which something that does not happen has failed; all of it takes a few at most."""


def require_peer(*programs: str) -> None:
    """Skip the test unless these programs are installed; with `CI=true` let it fail."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        missing(f"not installed: {', '.join(absent)} (make peers)")


def require_spice_gtk() -> None:
    """Skip the test unless spice-gtk can be scripted; with `CI=true` let it fail."""
    if not has_spice_gtk():
        missing(f"{SYSTEM_PYTHON} cannot load SpiceClientGLib (make peers)")


def require_cyrus() -> None:
    """Skip the test unless viewers have SASL mechanisms; with `CI=true` let it fail."""
    if not any(Path("/").glob("usr/lib*/**/sasl2/libscram.so")):
        missing("the SASL mechanisms of viewers are not installed (make peers)")


@cache
def has_spice_gtk() -> bool:
    if not Path(SYSTEM_PYTHON).exists():
        return False
    check = [SYSTEM_PYTHON, "-c", SPICE_GTK_CHECK]
    return subprocess.run(check, capture_output=True, timeout=PATIENCE).returncode == 0


def missing(reason: str) -> NoReturn:
    """Skip the test; with `CI=true` let it fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def viewer_environment(home: Path) -> dict[str, str]:
    """The environment of a viewer: its own home, no sound, no accessibility bus."""
    home.mkdir(mode=0o700, exist_ok=True)
    private = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "NO_AT_BRIDGE": "1"}
    sound = ("alsasink", "alsasrc", "openalsink", "openalsrc", "pulsesink", "pulsesrc")
    silent = {
        "ALSOFT_DRIVERS": "null",
        "GST_PLUGIN_FEATURE_RANK": ",".join(f"{plugin}:NONE" for plugin in sound),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, **private, **silent}
