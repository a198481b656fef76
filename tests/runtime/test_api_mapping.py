"""The table of the C API in the documentation: complete, and true where it says that a thing works.

`tests/data/c_api.txt` has every function of the C library and, as `interface.callback`, every
callback of its interfaces.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

import redspice
import redspice.aio
import redspice.interfaces
from redspice.display.framebuffer import Framebuffer

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "api-mapping.md"
NAMES = ROOT / "tests" / "data" / "c_api.txt"
ROW = re.compile(r"\| `(?P<c>[\w.]+)` \|(?P<python>.*?)\|(?P<state>.*?)\|(?P<difference>.*)\|")
STATES = {"works", "later", "will not"}
#: Where a name without a module is looked for.
HOMES = (redspice, redspice.aio, redspice.interfaces)


class Row(NamedTuple):
    c: str
    python: str
    state: str
    difference: str


def rows() -> list[Row]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line.startswith("| `")]
    found = [ROW.fullmatch(line) for line in wanted]
    assert None not in found, wanted[found.index(None)]
    return [Row(*(text.strip() for text in match.groups())) for match in found if match]


WORKING = [row for row in rows() if row.state == "works"]


def resolve(path: str) -> tuple[object, str]:
    """What holds the last name of a path, and that name. Raises `AttributeError`."""
    if path.startswith("redspice."):
        module, _, name = path.rpartition(".")
        return importlib.import_module(module), name
    first, *rest = path.split(".")
    home: object = next((each for each in HOMES if hasattr(each, first)), Framebuffer)
    for name in (first, *rest)[:-1]:
        home = getattr(home, name)
    return home, (rest or [first])[-1]


def documented(holder: object, name: str) -> bool:
    """Whether it is there and says what it is: in a docstring, or in a string behind it."""
    found = inspect.getattr_static(holder, name, None)
    if found is not None and not isinstance(found, (int, str, tuple, list)):
        text = inspect.getdoc(found)
        return bool(text)
    assert inspect.isclass(holder) or inspect.ismodule(holder)
    return name in attributes_with_text(inspect.getsource(holder))


def attributes_with_text(source: str) -> set[str]:
    """Names that are assigned anywhere in it and have a string about them behind."""
    found = set()
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        body = getattr(node, "body", None)
        for assigned, text in pairwise(body if isinstance(body, list) else ()):
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                targets = assigned.targets if isinstance(assigned, ast.Assign) else []
                targets = [assigned.target] if isinstance(assigned, ast.AnnAssign) else targets
                found |= {getattr(each, "attr", getattr(each, "id", "")) for each in targets}
    return found


def test_every_name_of_the_c_api_has_one_row() -> None:
    names = NAMES.read_text(encoding="utf-8").split()
    assert len(names) == len(set(names)) > 120
    assert sorted(row.c for row in rows()) == sorted(names)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.c)
def test_a_row_says_what_it_has_to(row: Row) -> None:
    assert row.state in STATES
    assert bool(row.python) == (row.state == "works")
    assert row.state != "will not" or row.difference or row.c == "core.watch_remove"


@pytest.mark.parametrize("row", WORKING, ids=lambda row: row.c)
def test_what_works_is_there_and_documented(row: Row) -> None:
    match = re.fullmatch(r"`([\w.]+)(?:\((.*)\))?`", row.python)
    assert match is not None
    holder, name = resolve(match[1])
    assert documented(holder, name), row.python
    for argument in filter(None, (match[2] or "").replace(" ", "").split(",")):
        assert argument.rstrip("=") in inspect.signature(getattr(holder, name)).parameters


def test_what_does_not_work_is_not_there_under_its_c_name() -> None:
    for row in rows():
        if row.state == "later" and row.c.startswith("spice_server_"):
            name = row.c.removeprefix("spice_server_")
            assert not hasattr(redspice.RedsState, name), f"{name} works by now"
