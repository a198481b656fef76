"""Wire facts that checks and bounds stand on."""

import pytest

from codegen.specs import resolved
from redspice_codegen import layout


@pytest.mark.parametrize(
    ("members", "smallest", "fixed"),
    [
        ("uint8 a; uint32 b;", 5, 5),
        ("uint8 a[4]; uint16 b[3];", 10, None),
        ("k t; switch (t) { case A: uint32 x; } u;", 1, None),
        ("k t; switch (t) { case A: uint32 x; default: uint16 y; } u;", 3, None),
        ("uint8 n; uint8 a[n]; uint8 *b[n];", 5, None),
        ("unix_fd fd;", 0, 0),
    ],
)
def test_sizes(members: str, smallest: int, fixed: int | None) -> None:
    text = (
        f"enum8 k {{ A, B }}; struct S {{ {members} }}; channel C {{ }}; protocol P {{ C main; }};"
    )
    (struct,) = resolved(text).structs
    assert layout.smallest_size(struct) == smallest
    assert layout.fixed_size(struct) == fixed
