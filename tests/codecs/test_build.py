"""Both forms of the codecs: compiled, and the plain Python that they are written in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from redspice import codecs

FOLDER = Path(codecs.__file__).parent
KERNELS = sorted(path.stem for path in FOLDER.glob("*.pxd"))
SHOW = """
import importlib, sys
for name in sys.argv[1:]:
    print(name, importlib.import_module(f"redspice.codecs.{name}").__file__.endswith(".py"))
"""


def forms(**environment: str) -> dict[str, bool]:
    """Which of the modules that can be compiled are loaded as plain Python."""
    command = [sys.executable, "-c", SHOW, *KERNELS]
    kept = {name: value for name, value in os.environ.items() if name != "REDSPICE_PURE"}
    result = subprocess.run(command, env=kept | environment, capture_output=True, check=True)
    lines = result.stdout.decode().splitlines()
    return {name: plain == "True" for name, plain in map(str.split, lines)}


def test_the_variable_forces_the_plain_python() -> None:
    assert forms(REDSPICE_PURE="1") == dict.fromkeys(KERNELS, True)


@pytest.mark.skipif(
    not os.environ.get("CI"), reason="the tree may not be compiled while it changes"
)
def test_the_installation_is_compiled() -> None:
    assert forms() == dict.fromkeys(KERNELS, False)


def test_this_run_uses_the_form_that_was_asked_for() -> None:
    if os.environ.get("REDSPICE_PURE"):
        assert not codecs.COMPILED
