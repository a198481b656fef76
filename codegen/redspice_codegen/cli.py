"""The command `redspice-codegen`.

Exit status: 0 good, 1 drift or findings, 2 a wrong spec or a file that cannot be read, 3 usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from redspice_codegen.commands import explain, generate, lint, model
from redspice_codegen.errors import BackendError, SpecError

#: Every command by its name.
COMMANDS: Mapping[str, ModuleType] = {
    "explain": explain,
    "generate": generate,
    "lint": lint,
    "model": model,
}

USAGE_ERROR = 3


class _Parser(argparse.ArgumentParser):
    """argparse with our exit status for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = COMMANDS[options.command].run(options)
    except (SpecError, BackendError) as error:
        print(error, file=sys.stderr)
        return 2
    except UnicodeDecodeError as error:
        print(f"{options.spec}: not UTF-8 text: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{error.filename or options.spec}: {error.strerror}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="redspice-codegen",
        description="Turns a protocol spec into marshallers and what else follows from it.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=command.HELP,
            description=command.HELP[0].upper() + command.HELP[1:] + ".",
            epilog=command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument("spec", type=Path, metavar="SPEC", help="the spec, a .proto file")
        sub.add_argument(
            "-D",
            dest="defines",
            action="append",
            default=[],
            metavar="NAME",
            help="keep what is marked @ifdef(NAME); may be given again",
        )
        command.add_arguments(sub)
    return parser


if __name__ == "__main__":
    sys.exit(main())
