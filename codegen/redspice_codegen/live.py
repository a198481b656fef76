"""Imports a generated package from its texts, without writing them to a disk."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType


class _Texts(MetaPathFinder, InspectLoader):
    """Finds the modules of one package in a dict of file name → text."""

    def __init__(self, package: str, texts: Mapping[str, str]) -> None:
        self._texts = {package: texts["__init__.py"]} | {
            f"{package}.{name.removesuffix('.py')}": text for name, text in texts.items()
        }
        self._package = package

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(name, self) if name in self._texts else None

    def is_package(self, name: str) -> bool:
        return name == self._package

    def get_source(self, name: str) -> str:
        return self._texts[name]

    def forget(self) -> None:
        for name in self._texts:
            sys.modules.pop(name, None)


def import_texts(package: str, texts: Mapping[str, str]) -> ModuleType:
    """The package that the texts are; nothing of it stays in `sys.modules`.

    Raises ImportError where a module imports something that is not installed.
    """
    finder = _Texts(package, texts)
    sys.meta_path.insert(0, finder)
    try:
        return import_module(package)
    finally:
        sys.meta_path.remove(finder)
        finder.forget()
