"""LZ4 of plain bytes: what comes back is what went in, and just as much of it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redspice.codecs import lz4_block
from redspice.codecs.errors import CodecError


@given(st.binary(max_size=5000).map(lambda data: data * 3))
def test_every_block_gives_its_bytes_back(data: bytes) -> None:
    block = lz4_block.compress(data)
    assert lz4_block.decompress(block, len(data)) == data
    assert lz4_block.decompress(memoryview(block), len(data)) == data


@given(st.binary(min_size=1, max_size=500), st.integers(0, 2000))
def test_any_other_size_is_an_error(data: bytes, size: int) -> None:
    if size == len(data):
        return
    with pytest.raises(CodecError):
        lz4_block.decompress(lz4_block.compress(data), size)


@given(st.binary(max_size=200), st.integers(0, 1 << 32))
def test_any_bytes_give_the_size_or_an_error(block: bytes, size: int) -> None:
    with suppress(CodecError):
        assert len(lz4_block.decompress(block, size)) == size


def test_an_impossible_size_is_refused_before_it_is_allocated() -> None:
    with pytest.raises(CodecError, match="cannot give"):
        lz4_block.decompress(b"\x10a", 1 << 40)
