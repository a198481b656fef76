"""Small specs, one feature each, and the whole code that the Python backend makes of them."""

from pathlib import Path

import pytest

from codegen.packages import imported
from codegen.specs import generated, resolved
from generated.round_trip import check_comes_back, message_type, messages

FEATURES = sorted(path.parent for path in (Path(__file__).parent / "golden").glob("*/spec.proto"))

#: The same for every spec, and checked where they are at home.
SUPPORT = {"wire.py", "shape.py", "messages.py", "__init__.py", "py.typed"}


def spec(feature: Path) -> str:
    return (feature / "spec.proto").read_text(encoding="utf-8")


@pytest.mark.parametrize("feature", FEATURES, ids=lambda path: path.name)
def test_output_is_the_golden_one(feature: Path, request: pytest.FixtureRequest) -> None:
    files = generated(spec(feature))
    texts = {name: text for name, text in files.items() if name not in SUPPORT}
    if request.config.getoption("--update-golden"):
        for old in feature.glob("*.py"):
            old.unlink()
        for name, text in texts.items():
            (feature / name).write_text(text, encoding="utf-8")
    expected = {path.name: path.read_text(encoding="utf-8") for path in feature.glob("*.py")}
    assert texts == expected


@pytest.mark.parametrize("feature", FEATURES, ids=lambda path: path.name)
def test_output_runs_and_brings_messages_back(feature: Path, tmp_path: Path) -> None:
    package = imported(spec(feature), tmp_path, f"golden_{feature.name}")
    for channel, _, message in messages(resolved(spec(feature))):
        check_comes_back(package, message_type(package, channel, message), message.body)


def test_output_is_deterministic() -> None:
    text = spec(FEATURES[0])
    assert generated(text) == generated(text)
