"""Build hook: compile the codecs' inner loops, written in Cython's pure Python mode, to extensions.

They are built beside their sources, for wheels and for editable installs. Where nothing can be
compiled, or with REDSPICE_PURE=1, the sources serve as they are and the wheel is a pure one.
REDSPICE_CFLAGS adds options for the C compiler, for sanitizers.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "redspice.codecs"
SOURCE_ROOT = "runtime"


class CodecsBuildHook(BuildHookInterface):
    """Adds the extension modules to a wheel or, for an editable install, to the tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        root = Path(self.root, SOURCE_ROOT)
        remove_extensions(root)
        if os.environ.get("REDSPICE_PURE"):
            return
        try:
            built = compile_modules(root)
        except Exception as error:  # whatever a missing or broken compiler raises
            remove_extensions(root)
            self.app.display_warning(f"the codecs stay plain Python, which is slower: {error}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["artifacts"] += [str(path.relative_to(self.root)) for path in built]


def package_folder(root: Path) -> Path:
    return root.joinpath(*PACKAGE.split("."))


def remove_extensions(root: Path) -> None:
    """Remove what was compiled before: it may be stale, and does not go with plain sources."""
    for extension in package_folder(root).glob("*.so"):
        extension.unlink()


def compile_modules(root: Path, names: Sequence[str] = ()) -> list[Path]:
    """Compile the modules with these names, or all, in place; returns the extension files.

    A module is to be compiled if there is a .pxd with the C types of what it defines.
    """
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    folder = package_folder(root)
    names = names or sorted(path.stem for path in folder.glob("*.pxd"))
    flags = ["-O3", "-g0", *shlex.split(os.environ.get("REDSPICE_CFLAGS", ""))]
    extensions = [
        Extension(
            f"{PACKAGE}.{name}",
            [str(folder / f"{name}.py")],
            extra_compile_args=flags,
            extra_link_args=[flag for flag in flags if flag.startswith("-fsanitize")],
        )
        for name in names
    ]
    with tempfile.TemporaryDirectory() as scratch:
        modules = cythonize(
            extensions,
            build_dir=scratch,
            include_path=[str(root)],
            language_level=3,
            quiet=True,
        )
        distribution = Distribution({"ext_modules": modules, "package_dir": {"": str(root)}})
        command = distribution.get_command_obj("build_ext")
        command.build_lib = str(root)
        command.build_temp = scratch
        command.ensure_finalized()
        command.run()
        return [Path(command.get_ext_fullpath(module.name)) for module in modules]
