"""Each spec in errors/ has a fault; the first comment of the file is what the generator says."""

from pathlib import Path

import pytest

from codegen.specs import resolved
from redspice_codegen.cli import main
from redspice_codegen.errors import SpecError

CASES = sorted((Path(__file__).parent / "errors").glob("*.proto"))


def expected(text: str) -> str:
    return text.removeprefix("/*\n").split("\n*/\n", 1)[0]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_fault_is_shown_with_its_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        resolved(text, "spec.proto")
    assert str(caught.value) == expected(text)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_command_shows_it_without_a_traceback(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", str(path), "-o", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr().err.replace(str(path), "spec.proto")
    assert shown == expected(path.read_text(encoding="utf-8")) + "\n"
    assert not (tmp_path / "out").exists()


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 60
