"""`redspice-codegen lint`: what a spec may say but should not."""

from __future__ import annotations

import argparse
import json

from redspice_codegen.errors import Source, SpecError
from redspice_codegen.lint.rules import RULES
from redspice_codegen.lint.walk import Finding, Subject
from redspice_codegen.parse import parse
from redspice_codegen.resolve import resolve

HELP = "report what a spec may say but should not"

_UNUSUAL = sorted(name for name, rule in RULES.items() if not rule.usual)
_WIDTH = max(map(len, RULES))
_TABLE = "\n".join(
    f"  {name:{_WIDTH}}  {rule.meaning}{'' if rule.usual else ' (only with --also)'}"
    for name, rule in RULES.items()
)
EXAMPLES = f"""\
exit status: 0 nothing found, 1 findings, 2 a wrong spec, 3 wrong usage

rules:
{_TABLE}

examples:
  redspice-codegen lint spice.proto
      every finding with its place, and how many there are
  redspice-codegen lint spice.proto --ignore unused-type --also missing-comment
      another choice of rules
  redspice-codegen lint spice.proto --json | jq -r '.[].rule' | sort | uniq -c
      findings as data: a list of rule, file, line, column, message
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        choices=sorted(RULES),
        metavar="RULE",
        help="switch a rule off; may be given again",
    )
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        choices=_UNUSUAL,
        metavar="RULE",
        help=f"switch on a rule that is usually off ({', '.join(_UNUSUAL)}); may be given again",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(options: argparse.Namespace) -> int:
    source = Source(str(options.spec), options.spec.read_text(encoding="utf-8"))
    spec = parse(source)
    subject = Subject(spec, resolve(spec, source, options.defines))
    chosen = [
        name
        for name, rule in RULES.items()
        if (rule.usual or name in options.also) and name not in options.ignore
    ]
    findings = sorted(
        ((name, finding) for name in chosen for finding in RULES[name].check(subject)),
        key=lambda found: (found[1].position.line, found[1].position.column, found[0]),
    )
    if options.json:
        print(json.dumps([_record(*found, source) for found in findings], indent=2))
    else:
        for name, finding in findings:
            print(SpecError(source, finding.position, f"{finding.message} [{name}]"))
        print("1 finding" if len(findings) == 1 else f"{len(findings)} findings")
    return 1 if findings else 0


def _record(name: str, finding: Finding, source: Source) -> dict[str, str | int]:
    return {
        "rule": name,
        "file": source.name,
        "line": finding.position.line,
        "column": finding.position.column,
        "message": finding.message,
    }
