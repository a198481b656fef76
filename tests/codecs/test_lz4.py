"""LZ4: chains of blocks decode as the reference has them, and broken ones are refused."""

import struct

import lz4.block
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imagegen
from codec_vectors import DIRECTORY, Vector, read
from redspice.codecs import CodecError, PixelFormat
from redspice.codecs import lz4 as codec
from redspice.codecs.image import Image

F = PixelFormat
VECTORS = [v for v in read(DIRECTORY, "image") if v["image_type"] == "LZ4"]
NUMBERS = sorted(codec.FORMATS)

#: Cuts tried on one stream: all of a short one.
MOST_CUTS = 200


def outcome(data: bytes, width: int, height: int) -> Image | CodecError:
    try:
        return codec.decode(data, width, height)
    except CodecError as error:
        return error


def is_sound(outcome: Image | CodecError, data: bytes, width: int, height: int) -> bool:
    if isinstance(outcome, CodecError):
        return 0 <= outcome.offset <= len(data)
    return (outcome.width, outcome.height) == (width, height)


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_the_reference_decoder_agrees(vector: Vector) -> None:
    image = codec.decode(vector.stream, vector["width"], vector["height"])
    (output,) = vector.outputs
    assert image.format.name == output.format
    assert image.top_down is vector["top_down"]
    assert image.tight() == output.pixels()


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_every_cut_is_noticed(vector: Vector) -> None:
    stream = vector.stream
    for cut in np.unique(np.linspace(0, len(stream) - 1, MOST_CUTS, dtype=int)).tolist():
        result = outcome(stream[:cut], vector["width"], vector["height"])
        assert isinstance(result, CodecError)
        assert 0 <= result.offset <= cut


def test_flipped_bits_are_refused_or_give_a_picture() -> None:
    vector = min(VECTORS, key=lambda vector: vector["bin_size"])
    stream, width, height = vector.stream, vector["width"], vector["height"]
    refused = 0
    for bit in range(8 * len(stream)):
        broken = bytearray(stream)
        broken[bit // 8] ^= 1 << bit % 8
        result = outcome(broken, width, height)
        assert is_sound(result, stream, width, height)
        refused += isinstance(result, CodecError)
    assert refused > len(stream)


def stream_of(*blocks: bytes, top_down: int = 1, number: int = 8) -> bytes:
    return bytes([top_down, number]) + b"".join(struct.pack(">I", len(b)) + b for b in blocks)


def block(data: bytes) -> bytes:
    return lz4.block.compress(data, store_size=False)


PIXEL = b"\1\2\3\4"


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"", "a header of 2 bytes is cut at offset 0"),
        (b"\1", "a header of 2 bytes is cut at offset 1"),
        (stream_of(block(PIXEL), top_down=2), "row order 2, 0 or 1 wanted at offset 0"),
        (stream_of(block(PIXEL), number=5), "bitmap format 5, one of 6 to 9 wanted at offset 1"),
        (stream_of(block(PIXEL), number=10), "bitmap format 10, one of 6 to 9"),
        (stream_of(), "0 bytes of pixels, 4 wanted at offset 2"),
        (stream_of(b""), "not an LZ4 block that gives 0 bytes at most at offset 6"),
        (stream_of(block(PIXEL[:3])), "3 bytes of pixels, 4 wanted at offset 10"),
        (stream_of(block(PIXEL * 2)), "not an LZ4 block that gives 4 bytes at most at offset 6"),
        (stream_of(block(PIXEL), block(b"5")), "gives 0 bytes at most at offset 15"),
        (stream_of(block(PIXEL)) + b"\0\0\0", "the size of a block is cut at offset 14"),
        (b"\1\x08\xff\xff\xff\xff\0", "a block of 4294967295 bytes, 1 left at offset 2"),
        # a reference to 16 bytes back after one literal
        (stream_of(b"\x10A\x10\x00\x00"), "not an LZ4 block"),
    ],
)
def test_broken_chains_are_refused(stream: bytes, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        codec.decode(stream, 1, 1)


def test_sizes_above_the_limit_are_refused_before_anything_is_read() -> None:
    for width, height in ((0, 1), (1, 0), (-1, -1), (2**13, 2**13 + 1), (2**32 - 1, 2**32 - 1)):
        with pytest.raises(CodecError, match="pixels"):
            codec.decode(b"", width, height)
    with pytest.raises(CodecError, match="1x2 pixels, 1 allowed"):
        codec.decode(stream_of(block(PIXEL * 2)), 1, 2, max_pixels=1)


def test_blocks_may_be_empty_and_end_within_a_pixel() -> None:
    stream = stream_of(block(PIXEL[:1]), b"\0", block(PIXEL[1:]))
    assert codec.decode(stream, 1, 1).tight() == PIXEL


def test_a_block_refers_to_what_was_64_kib_before_it_at_most() -> None:
    far = imagegen.noise(128, 128, 1).tobytes()
    near = far[1:24] + b"tail."
    referring = b"\x0f\xff\xff\x04" + b"\x50tail."
    pixels = (len(far) + len(near)) // 4
    chain = [block(far), referring]
    assert codec.decode(stream_of(*chain), pixels, 1).tight() == far + near
    with pytest.raises(CodecError, match="not an LZ4 block"):
        codec.decode(stream_of(*reversed(chain)), pixels, 1)


def test_a_small_stream_gives_a_large_picture() -> None:
    plain = bytes(4 * 1024 * 1024)
    stream = stream_of(block(plain))
    assert len(stream) < len(plain) / 250
    assert codec.decode(stream, 1024, 1024).tight() == plain


@pytest.mark.parametrize("number", NUMBERS)
def test_a_buffer_of_the_caller_takes_rows_at_its_stride(number: int) -> None:
    format = codec.FORMATS[number]
    row = format.row_bytes(5)
    rows = imagegen.noise(row, 3, 2)[..., 0].tobytes()
    stream = codec.encode(rows, 5, 3, row, format)
    buffer = bytearray(b"\xaa" * 90)
    image = codec.decode(stream, 5, 3, into=buffer, stride=30)
    assert image.tight() == rows
    assert buffer[:row] == rows[:row]
    tight = bytearray(b"\xaa" * 90)
    assert codec.decode(stream, 5, 3, into=tight).tight() == rows
    assert tight == rows + b"\xaa" * (90 - len(rows))


def test_a_picture_is_converted_on_request() -> None:
    stream = codec.encode(b"\xff\x7f\0\0", 2, 1, 4, F.X1R5G5B5)
    assert codec.decode(stream, 2, 1, format=F.BGRX32).tight() == b"\xff\xff\xff\0" + bytes(4)
    with pytest.raises(ValueError, match="no conversion"):
        codec.decode(stream, 2, 1, format=F.A8)


@given(
    number=st.sampled_from(NUMBERS),
    width=st.integers(1, 60),
    height=st.integers(1, 12),
    padding=st.integers(0, 9),
    rows_per_block=st.none() | st.integers(1, 13),
    top_down=st.booleans(),
    pattern=st.sampled_from(["noise", "runs", "text"]),
)
def test_every_picture_survives_a_round_trip(
    number: int,
    width: int,
    height: int,
    padding: int,
    rows_per_block: int | None,
    top_down: bool,
    pattern: str,
) -> None:
    format = codec.FORMATS[number]
    row = format.row_bytes(width)
    stride = row + padding
    pixels = imagegen.gen(pattern, stride, height, 7)[..., 0].copy()
    stream = codec.encode(
        pixels, width, height, stride, format, top_down=top_down, rows_per_block=rows_per_block
    )
    image = codec.decode(stream, width, height)
    assert (image.format, image.top_down) == (format, top_down)
    rows = pixels[:, :row] if top_down else pixels[::-1, :row]
    assert image.tight() == rows.tobytes()


def test_later_blocks_refer_to_earlier_ones() -> None:
    row = imagegen.noise(400, 1, 1)
    picture = np.repeat(row, 40, axis=0)
    streams = [
        codec.encode(picture, 400, 40, 1600, F.BGRX32, rows_per_block=rows) for rows in (1, 40)
    ]
    assert len(streams[0]) < 1.3 * len(streams[1])
    assert all(codec.decode(s, 400, 40).tight() == picture.tobytes() for s in streams)


@pytest.mark.parametrize("format", [F.A8, F.GRAY8, F.PLT8, F.PLT1_BE])
def test_other_formats_cannot_be_coded(format: PixelFormat) -> None:
    with pytest.raises(ValueError, match=f"LZ4 cannot code {format.name}"):
        codec.encode(bytes(8), 1, 1, 8, format)


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes of pixels, 4 wanted"):
        codec.encode(bytes(3), 1, 1, 4, F.BGRX32)
    with pytest.raises(ValueError, match="blocks of 0 rows"):
        codec.encode(bytes(4), 1, 1, 4, F.BGRX32, rows_per_block=0)


@given(
    data=st.binary(max_size=80),
    width=st.integers(0, 9),
    height=st.integers(0, 9),
    number=st.integers(5, 10),
)
def test_any_bytes_decode_or_are_refused(data: bytes, width: int, height: int, number: int) -> None:
    for stream in (data, bytes([1, number]) + data, stream_of(data, number=number)):
        assert is_sound(outcome(stream, width, height), stream, width, height)
