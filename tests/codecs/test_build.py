"""Both forms of the codecs: compiled, and the plain Python that they are written in."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from redspice import codecs

ROOT = Path(__file__).parent.parent.parent
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


class Warnings:
    """What a build hook tells of the application that runs it."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def display_warning(self, text: str) -> None:
        self.texts.append(text)


def test_what_was_compiled_before_the_compiler_failed_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiled module beside one that is not would be used, and they do not fit together."""
    pytest.importorskip("hatchling")
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.delenv("REDSPICE_PURE", raising=False)
    hatch_build = importlib.import_module("hatch_build")
    folder = tmp_path / "runtime" / "redspice" / "codecs"
    folder.mkdir(parents=True)

    def compile_modules(root: Path) -> list[Path]:
        (folder / "quic_model.so").touch()
        raise RuntimeError("no space left")

    monkeypatch.setattr(hatch_build, "compile_modules", compile_modules)
    app = Warnings()
    hook = hatch_build.CodecsBuildHook(tmp_path, {}, None, None, tmp_path, "wheel", app)
    build_data = {"artifacts": []}
    hook.initialize("editable", build_data)
    assert list(folder.iterdir()) == []
    assert build_data == {"artifacts": []}
    assert app.texts == ["the codecs stay plain Python, which is slower: no space left"]


def test_this_run_uses_the_form_that_was_asked_for() -> None:
    if os.environ.get("REDSPICE_PURE"):
        assert not codecs.COMPILED
