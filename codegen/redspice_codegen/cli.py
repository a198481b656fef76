"""The command `redspice-codegen`: `generate SPEC -o DIR [--check]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from redspice_codegen import naming, output
from redspice_codegen.emit import BACKENDS, emit
from redspice_codegen.errors import Source, SpecError
from redspice_codegen.parse import parse
from redspice_codegen.resolve import resolve

_EXAMPLES = """\
examples:
  redspice-codegen generate spice.proto -o generated/redspice_protocol
      write the Python package; files that are already right are left alone
  redspice-codegen generate spice.proto -o generated/redspice_protocol --check
      compare only: exit status 1 and the names of the files where anything differs
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status is 0, 1 for drift, 2 for a bad spec or bad arguments."""
    options = _parser().parse_args(arguments)
    spec: Path = options.spec
    try:
        source = Source(str(spec), spec.read_text(encoding="utf-8"))
        protocol = resolve(parse(source), source)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, UnicodeDecodeError) as error:
        print(f"{spec}: {error}", file=sys.stderr)
        return 2
    files = emit(protocol, naming.source_name(str(spec)), options.backend)
    try:
        return _check(files, options.output) if options.check else _write(files, options.output)
    except OSError as error:
        print(f"{options.output}: {error}", file=sys.stderr)
        return 2


def _check(files: dict[str, str], directory: Path) -> int:
    drifts = output.compare(files, directory)
    for drift in drifts:
        print(drift, file=sys.stderr)
    if drifts:
        print("run `make generate` and commit the result", file=sys.stderr)
    return 1 if drifts else 0


def _write(files: dict[str, str], directory: Path) -> int:
    touched = output.write(files, directory)
    for path in touched:
        print(path)
    print(f"{len(files)} files, {len(touched)} changed")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="redspice-codegen",
        description="Turns a protocol spec into marshallers and demarshallers.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    generate = commands.add_parser(
        "generate",
        help="generate code from a spec",
        description="Generate code from a spec.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    generate.add_argument("spec", type=Path, metavar="SPEC", help="the spec, a .proto file")
    generate.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="where the files go"
    )
    generate.add_argument("--check", action="store_true", help="compare, write nothing")
    generate.add_argument(
        "--backend", choices=sorted(BACKENDS), default="python", help="default: %(default)s"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
