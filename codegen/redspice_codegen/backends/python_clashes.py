"""Names that differ in the spec and not in Python are refused, before one hides the other."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from redspice_codegen.errors import BackendError


def check_module(name: str, text: str, imported: Iterable[str]) -> None:
    """Raise BackendError if a module defines a name twice, or one that it also imports."""
    tree = ast.parse(text)
    defined = Counter(_definitions(tree))
    for twice in [each for each, times in defined.items() if times > 1]:
        raise BackendError(f"{name}: two definitions would be called {twice}")
    for hidden in sorted(defined.keys() & set(imported)):
        raise BackendError(f"{name}: {hidden} would hide what generated code uses by that name")
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            _check_class(name, node)


def check_files(names: Iterable[str]) -> None:
    """Raise BackendError if two modules would have one name."""
    for twice in [name for name, times in Counter(names).items() if times > 1]:
        raise BackendError(f"two modules would be called {twice}")


def _check_class(module: str, node: ast.ClassDef) -> None:
    attributes = Counter(_attributes(node))
    for name, times in attributes.items():
        if times > 1:
            raise BackendError(f"{module}: {node.name} would have two attributes called {name}")


def _definitions(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _attributes(node: ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id
        elif isinstance(statement, ast.Assign):
            yield from (target.id for target in statement.targets if isinstance(target, ast.Name))
