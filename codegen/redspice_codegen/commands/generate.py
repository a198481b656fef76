"""`redspice-codegen generate`: write what a backend makes of a spec, or compare it."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from redspice_codegen import naming, output
from redspice_codegen.emit import BACKENDS, emit
from redspice_codegen.load import load

HELP = "generate code, tables or documents from a spec"
EXAMPLES = """\
examples:
  redspice-codegen generate spice.proto -o generated/redspice_protocol
      write the Python package; files that are already right are left alone
  redspice-codegen generate spice.proto -o generated/redspice_protocol --check
      compare only: exit status 1 and the names of the files where anything differs
  redspice-codegen generate spice.proto -o out --backend wireshark
      the output of another backend
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="where the files go"
    )
    parser.add_argument(
        "--backend", choices=sorted(BACKENDS), default="python", help="default: %(default)s"
    )
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--diff", action="store_true", help="show what differs, write nothing")


def run(options: argparse.Namespace) -> int:
    protocol = load(options.spec, options.defines)
    files = emit(protocol, naming.source_name(str(options.spec)), options.backend)
    if options.diff:
        return _diff(files, options.output)
    if options.check:
        return _check(files, options.output)
    touched = output.write(files, options.output)
    for path in touched:
        print(path)
    print(f"{len(files)} files, {len(touched)} changed")
    return 0


def _check(files: dict[str, str], directory: Path) -> int:
    drifts = output.compare(files, directory)
    for drift in drifts:
        print(drift, file=sys.stderr)
    if drifts:
        print("run `make generate` and commit the result", file=sys.stderr)
    return 1 if drifts else 0


def _diff(files: dict[str, str], directory: Path) -> int:
    drifts = output.compare(files, directory)
    for drift in drifts:
        old = drift.path.read_text(encoding="utf-8") if drift.path.is_file() else ""
        new = files.get(drift.path.name, "")
        name = str(drift.path)
        lines = difflib.unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), name, name
        )
        sys.stdout.writelines(lines)
    return 1 if drifts else 0
