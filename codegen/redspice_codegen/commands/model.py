"""`redspice-codegen model`: print the resolved model of a spec as JSON."""

from __future__ import annotations

import argparse
import sys

from redspice_codegen import naming
from redspice_codegen.emit import emit
from redspice_codegen.load import load

HELP = "print the resolved model of a spec as JSON"
EXAMPLES = """\
examples:
  redspice-codegen model spice.proto
      the text that `generate --backend json` writes to a file; docs/model-json.md describes it
  redspice-codegen model spice.proto | jq -r '.enums[] | select(.kind == "flags") | .name'
      the names of all flags
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def run(options: argparse.Namespace) -> int:
    protocol = load(options.spec, options.defines)
    for text in emit(protocol, naming.source_name(str(options.spec)), "json").values():
        sys.stdout.buffer.write(text.encode())  # UTF-8, whatever the terminal has
    return 0
