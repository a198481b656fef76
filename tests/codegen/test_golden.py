"""Small specs, one feature each, and the whole code that the Python backend makes of them."""

from pathlib import Path

import pytest

from codegen.specs import generated

GOLDEN = Path(__file__).parent / "golden"
SPECS = sorted(GOLDEN.glob("*.proto"))

#: The same for every spec, and checked where they are at home.
SUPPORT = {"wire.py", "shape.py", "messages.py", "__init__.py", "py.typed"}


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_output_is_the_golden_one(spec: Path, request: pytest.FixtureRequest) -> None:
    files = generated(spec.read_text(encoding="utf-8"))
    texts = {name: text for name, text in files.items() if name not in SUPPORT}
    directory = spec.with_suffix("")
    if request.config.getoption("--update-goldens"):
        directory.mkdir(exist_ok=True)
        for old in directory.glob("*.py"):
            old.unlink()
        for name, text in texts.items():
            (directory / name).write_text(text, encoding="utf-8")
    expected = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.py")}
    assert texts == expected


def test_output_is_deterministic() -> None:
    text = SPECS[0].read_text(encoding="utf-8")
    assert generated(text) == generated(text)
