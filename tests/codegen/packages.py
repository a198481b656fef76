"""Generated packages for the tests: written to a directory and imported from there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from codegen.specs import generated
from redspice_codegen import output


def imported(text: str, directory: Path, name: str) -> ModuleType:
    """Generate the Python package of a spec and import it as the top-level package `name`."""
    output.write(generated(text), directory / name)
    spec = importlib.util.spec_from_file_location(name, directory / name / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return package
