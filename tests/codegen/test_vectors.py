"""Two more specs that the C implementation made vectors for: the parts of the language, and the
attributes, that spice.proto does not use."""

from pathlib import Path

import pytest

from codegen.packages import imported
from codegen.specs import ROOT
from generated.vectors import check, check_negative, files, read

VECTORS = ROOT / "tests" / "vectors"


@pytest.mark.parametrize("name", ["extra", "marshallers"])
def test_vectors_of_a_spec(name: str, tmp_path: Path) -> None:
    text = (VECTORS / "specs" / f"{name}.proto").read_text(encoding="utf-8")
    package = imported(text, tmp_path, f"{name}_protocol")
    (positive,) = files(VECTORS / name)
    for vector in read(positive):
        check(vector, package)
    (negative,) = files(VECTORS / name, negative=True)
    for vector in read(negative):
        check_negative(vector, package)
