"""The floors of the house: what each package may import. The table is the rule."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

CORE = {"redspice", "redspice_protocol", "construct", "cryptography", "scramp"}
# Threads may share what a codec keeps of earlier images, so those need a lock.
CODECS = {"redspice", "cython", "numpy", "lz4", "simplejpeg", "typing_extensions", "threading"}

#: Folder → top-level packages that its modules may import beside the standard library.
FLOORS = {
    "codegen/redspice_codegen": {"redspice_codegen", "lark", "jinja2"},
    "generated/redspice_protocol": {"redspice_protocol"},
    "runtime/redspice": CORE,
    # typing_extensions is for type checkers only.
    "runtime/redspice/codecs": CODECS,
    "runtime/redspice/sources": CORE | {"PIL"},
    "runtime/redspice/aio": CORE | {"websockets", "prometheus_client"},
    "runtime/redspice/cli": CORE | {"PIL", "click", "rich", "prometheus_client"},
}

#: Standard modules that mean I/O, threads or clocks: the shell's alone.
SHELL_MODULES = {"asyncio", "socket", "ssl", "select", "selectors", "threading", "time"}
SHELL = {"runtime/redspice/aio", "runtime/redspice/cli"}

#: Packages inside the runtime that one folder may not reach into: arrows point down.
UPWARD = {
    "runtime/redspice/codecs": {
        f"redspice.{name}" for name in ("aio", "channels", "cli", "display", "reds", "sources")
    },
    "runtime/redspice": {"redspice.aio", "redspice.cli", "redspice.sources"},
    "runtime/redspice/aio": {"redspice.cli", "redspice.sources"},
    "runtime/redspice/sources": {"redspice.aio", "redspice.cli"},
}


def floor_of(path: Path) -> str:
    """The deepest folder of the table that holds the module."""
    relative = path.relative_to(ROOT).as_posix()
    return max((f for f in FLOORS if relative.startswith(f"{f}/")), key=len)


def imports(path: Path) -> set[str]:
    """Every module that a file imports, in full; relative imports as the package's own."""
    package = path.relative_to(ROOT).parts[1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(package if node.level else node.module or "")
    return found


def modules() -> list[Path]:
    return sorted(
        p for folder in ("codegen", "generated", "runtime") for p in ROOT.glob(f"{folder}/**/*.py")
    )


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_follow_the_floors(path: Path) -> None:
    floor = floor_of(path)
    names = imports(path)
    outside = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert outside <= FLOORS[floor]
    if not floor.startswith(tuple(SHELL)) and floor.startswith("runtime"):
        assert not {name.split(".")[0] for name in names} & (SHELL_MODULES - FLOORS[floor])
    forbidden = UPWARD.get(floor, set())
    assert not {n for n in names for f in forbidden if n == f or n.startswith(f"{f}.")}


def test_modules_stay_small() -> None:
    """Generated code may be long; what people read has one idea a module."""
    sizes = {
        p.relative_to(ROOT).as_posix(): len(p.read_text(encoding="utf-8").splitlines())
        for p in modules()
        if "generated" not in p.parts
    }
    assert {name: lines for name, lines in sizes.items() if lines > 400} == {}
