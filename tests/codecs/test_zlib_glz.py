"""ZLIB_GLZ: the vectors, what is worth deflating, and what is refused."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec_vectors import Vector
from glz_streams import Step, literals, steps, stream
from redspice.codecs import CodecError, zlib_glz
from redspice.codecs.glz_window import GlzWindow

PROFILE = settings(deadline=None, max_examples=200, derandomize=True, database=None)

STREAM = stream(literals(bytes(300)), 100)
DEFLATED = zlib.compress(STREAM, 3)


def glz_stream(step: Step) -> bytes:
    if step["image_type"] == "GLZ_RGB":
        return step.stream
    return zlib_glz.decode(step.stream, step["glz_data_size"])


def test_a_vector_decodes_exactly(zlib_glz_vector: Vector) -> None:
    window = GlzWindow()
    for step in steps(zlib_glz_vector):
        image = window.decode(glz_stream(step))
        assert image.tight() == step.pixels
        assert (image.width, image.height) == step.size


def test_a_vector_is_deflated_as_far_as_by_the_reference(zlib_glz_vector: Vector) -> None:
    for step in steps(zlib_glz_vector):
        if step["image_type"] == "ZLIB_GLZ_RGB":
            inner = glz_stream(step)
            deflated = zlib_glz.encode(inner)
            assert deflated is not None
            assert len(deflated) <= 1.01 * len(step.stream)
            assert zlib_glz.decode(deflated, len(inner)) == inner


def test_what_does_not_become_smaller_is_left() -> None:
    assert zlib_glz.encode(STREAM[:99]) is None
    assert zlib_glz.encode(zlib.compress(bytes(range(256)))) is None
    assert zlib_glz.encode(memoryview(STREAM)) == DEFLATED


@pytest.mark.parametrize(
    ("data", "size", "reason", "offset"),
    [
        (DEFLATED, 32, "32 bytes of GLZ, 33 to 268435456 allowed", 0),
        (DEFLATED, (1 << 28) + 1, "268435457 bytes of GLZ", 0),
        (DEFLATED, len(STREAM) - 1, "more than 336 bytes", len(DEFLATED)),
        (DEFLATED, len(STREAM) + 1, "337 bytes of GLZ, 338 announced", len(DEFLATED)),
        (DEFLATED + b"abc", len(STREAM), "3 bytes behind", len(DEFLATED)),
        (b"", len(STREAM), "ends after 0 bytes", 0),
        (DEFLATED[:-1], len(STREAM), "ends after 337 bytes", len(DEFLATED) - 1),
        (DEFLATED[:-1] + b"\0", len(STREAM), "incorrect data check", 0),
        (STREAM, len(STREAM), "not a zlib stream", 0),
    ],
)
def test_bad_data(data: bytes, size: int, reason: str, offset: int) -> None:
    with pytest.raises(CodecError, match=reason) as failure:
        zlib_glz.decode(data, size)
    assert failure.value.offset == offset


@pytest.mark.parametrize("size", range(len(DEFLATED)))
def test_every_truncation_is_refused(size: int) -> None:
    with pytest.raises(CodecError):
        zlib_glz.decode(DEFLATED[:size], len(STREAM))


def test_no_more_is_inflated_than_was_announced() -> None:
    """A bomb costs what its announced size does."""
    bomb = zlib.compress(bytes(1 << 24))
    with pytest.raises(CodecError, match="more than 40 bytes"):
        zlib_glz.decode(bomb, 40)
    with pytest.raises(CodecError, match="33 to 1000 allowed"):
        zlib_glz.decode(bomb, 1 << 24, max_size=1000)


@PROFILE
@given(st.binary(max_size=300), st.integers(0, 200))
def test_any_data_is_refused_or_inflates(data: bytes, size: int) -> None:
    for each in (data, zlib.compress(data)):
        try:
            assert len(zlib_glz.decode(each, size)) == size
        except CodecError:
            continue
