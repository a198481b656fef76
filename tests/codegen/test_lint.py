"""Lint: each rule has a spec in `lint/`, with what it finds there as `//! line:column text`."""

import json
import re
from pathlib import Path

import pytest

from codegen.specs import ROOT
from redspice_codegen.cli import main
from redspice_codegen.lint.rules import RULES

SPECS = Path(__file__).parent / "lint"
EXPECTED = re.compile(r"^//! (\d+):(\d+) (.+)$", re.MULTILINE)


def lint(spec: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    status = main(["lint", str(spec), *options])
    return status, capsys.readouterr().out


def only(rule: str) -> list[str]:
    """The options that leave one rule alone."""
    options = [] if RULES[rule].usual else ["--also", rule]
    return options + [word for name in RULES if name != rule for word in ("--ignore", name)]


def test_every_rule_has_a_spec_and_every_spec_a_rule() -> None:
    assert {path.stem for path in SPECS.glob("*.proto")} == RULES.keys()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_what_its_spec_says_and_no_more(
    rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SPECS / f"{rule}.proto"
    status, printed = lint(spec, capsys, "--json", *only(rule))
    expected = EXPECTED.findall(spec.read_text(encoding="utf-8"))
    assert expected
    assert status == 1
    assert json.loads(printed) == [
        {
            "rule": rule,
            "file": str(spec),
            "line": int(line),
            "column": int(column),
            "message": message,
        }
        for line, column, message in expected
    ]


@pytest.mark.parametrize("rule", RULES)
def test_an_ignored_rule_finds_nothing(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    everything = [word for name in RULES for word in ("--ignore", name)]
    assert lint(SPECS / f"{rule}.proto", capsys, *everything) == (0, "0 findings\n")


def test_a_finding_shows_its_line_and_its_rule(capsys: pytest.CaptureFixture[str]) -> None:
    spec = SPECS / "rest-behind-pointer.proto"
    _, printed = lint(spec, capsys)
    text = "m.tail reaches to the end of the message, over other targets [rest-behind-pointer]"
    assert printed.splitlines() == [
        f"{spec}:5:16: {text}",
        "            uint8 *tail[];",
        "                   ^",
        "1 finding",
    ]


def test_a_spec_without_findings_is_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "good.proto"
    spec.write_text("channel C { }; protocol P { C c; };", encoding="utf-8")
    assert lint(spec, capsys) == (0, "0 findings\n")
    assert lint(spec, capsys, "--json") == (0, "[]\n")
    assert lint(spec, capsys, "--also", "missing-comment")[0] == 1


def test_what_ifdef_leaves_out_is_not_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "maybe.proto"
    spec.write_text(
        "channel C { message { uint8 *x[2]; } m @ifdef(MORE); }; protocol P { C c; };",
        encoding="utf-8",
    )
    assert lint(spec, capsys)[0] == 0
    assert lint(spec, capsys, "-D", "MORE")[0] == 1


def test_a_wrong_spec_and_a_wrong_rule_have_their_own_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "bad.proto"
    spec.write_text("struct S {", encoding="utf-8")
    assert main(["lint", str(spec)]) == 2
    with pytest.raises(SystemExit) as caught:
        main(["lint", str(spec), "--ignore", "nonsense"])
    assert caught.value.code == 3
    assert "nonsense" in capsys.readouterr().err


def test_every_rule_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    document = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["lint", "--help"])
    printed = capsys.readouterr().out
    for name, rule in RULES.items():
        assert f"## {name}\n" in document
        assert f"{name} " in printed
        assert rule.meaning in printed


def test_every_definition_of_our_spec_has_a_comment(capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = lint(ROOT / "spice.proto", capsys, *only("missing-comment"))
    assert (status, printed) == (0, "0 findings\n")
