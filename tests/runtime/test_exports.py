"""What embedders import from `redspice` itself is all there."""

from __future__ import annotations

import inspect

import pytest

import redspice
from redspice import errors, interfaces

PUBLIC_ERRORS = [
    name
    for name, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.RedspiceError)
]
PUBLIC_INTERFACES = [
    name
    for name, kind in inspect.getmembers(interfaces, inspect.isclass)
    if issubclass(kind, interfaces.Interface)
]


def test_every_name_is_there_once_and_in_order() -> None:
    assert sorted(set(redspice.__all__)) == redspice.__all__
    for name in redspice.__all__:
        assert hasattr(redspice, name)


@pytest.mark.parametrize("name", [*PUBLIC_ERRORS, *PUBLIC_INTERFACES])
def test_every_error_and_every_interface_is_exported(name: str) -> None:
    assert name in redspice.__all__


def test_nothing_is_imported_that_is_not_exported() -> None:
    imported = {
        name
        for name, found in vars(redspice).items()
        if not name.startswith("_") and not inspect.ismodule(found)
    }
    assert imported == set(redspice.__all__)
