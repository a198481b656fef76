"""QUIC: the vectors, streams written by hand, round trips, and what is refused."""

from __future__ import annotations

import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec_vectors import Vector
from redspice.codecs import CodecError, PixelFormat, quic
from redspice.codecs.quic_format import HEADER, MAGIC, MOST_PIXELS, TYPES, VERSION

F = PixelFormat

# Plain Python needs seconds for each picture of more pixels.
MOST_PLAIN_PIXELS = 10_000

# Up to here every cut and every bit of a stream is tried; of longer ones as many, picked by chance,
# and of long ones a few.
ALL_UP_TO = 64
LONG = 2000
FEW = 5

CODED = [type.format for type in TYPES.values()]
UNUSED = {F.X1R5G5B5: b"\x00\x80", F.BGRX32: b"\x00\x00\x00\xff"}
PROFILE = settings(deadline=None, max_examples=200, derandomize=True, database=None)


def affordable(vector: Vector) -> Vector:
    if not quic.COMPILED and vector["width"] * vector["height"] > MOST_PLAIN_PIXELS:
        pytest.skip("plain Python needs seconds for it")
    return vector


def stream(type_id: int, width: int, height: int, bits: str) -> bytes:
    """A stream with these bits for pixels, and what follows them."""
    bits = bits.replace(" ", "")
    bits += "0" * (-len(bits) % 32 + 32)
    words = np.array([int(bits[i : i + 32], 2) for i in range(0, len(bits), 32)], "<u4")
    return HEADER.pack(MAGIC, VERSION, type_id, width, height) + words.tobytes()


def some(count: int, seed: int) -> list[int]:
    """All numbers below `count`, or some of them."""
    if count <= ALL_UP_TO:
        return list(range(count))
    return random.Random(seed).sample(range(count), ALL_UP_TO if count < LONG else FEW)


def test_each_output_of_a_vector(quic_vector: Vector) -> None:
    vector = affordable(quic_vector)
    for number, output in enumerate(vector.outputs):
        image = quic.decode(vector.stream, format=F[output.format] if number else None)
        assert image.format is F[output.format]
        assert (image.width, image.height) == (vector["width"], vector["height"])
        assert (image.stride, image.top_down) == (output.stride, True)
        assert bytes(image.pixels) == output.pixels()


def test_a_vector_is_encoded_as_the_reference_does(quic_vector: Vector) -> None:
    vector = affordable(quic_vector)
    output = vector.outputs[0]
    size = vector["width"], vector["height"], output.stride, F[output.format]
    data = quic.encode(output.pixels(), *size)
    if vector.get("crafted"):
        assert bytes(quic.decode(data).pixels) == output.pixels()
    else:
        assert data == vector.stream


def test_rows_from_the_bottom_up(quic_vector: Vector) -> None:
    vector = affordable(quic_vector)
    output = vector.outputs[0]
    rows = np.frombuffer(output.pixels(), np.uint8).reshape(vector["height"], output.stride)
    size = vector["width"], vector["height"], output.stride, F[output.format]
    data = quic.encode(rows[::-1].copy(), *size, top_down=False)
    assert data == quic.encode(rows, *size)


def test_every_cut_within_the_pixels_is_an_error(quic_vector: Vector) -> None:
    data = affordable(quic_vector).stream
    for size in some(len(data) - 4, 1):
        with pytest.raises(CodecError, match="the stream ends within") as caught:
            quic.decode(memoryview(data)[:size])
        assert size - 4 < caught.value.offset <= size


def test_the_word_after_the_pixels_must_be_there(quic_vector: Vector) -> None:
    data = affordable(quic_vector).stream
    for lacking in range(1, 5):
        with pytest.raises(CodecError, match="the stream ends within"):
            quic.decode(data[:-lacking])


def test_more_may_follow(quic_vector: Vector) -> None:
    data = affordable(quic_vector).stream
    whole = quic.decode(data).tight()
    for more in (b"\xff", b"\xff" * 100):
        assert quic.decode(data + more).tight() == whole


def test_flipped_bits_give_an_error_or_a_picture(quic_vector: Vector) -> None:
    data = bytearray(affordable(quic_vector).stream)
    for bit in some(len(data) * 8, 2):
        data[bit // 8] ^= 1 << bit % 8
        try:
            quic.decode(data, max_pixels=1 << 20)
        except CodecError as error:
            assert 0 <= error.offset <= len(data)  # noqa: PT017 (a picture is fine too)
        data[bit // 8] ^= 1 << bit % 8


def test_two_streams_by_hand() -> None:
    two = bytes.fromhex("51554943 00000000 01000000 02000000 01000000  00008494 00000000")
    assert bytes(quic.decode(two).pixels) == bytes((10, 12))
    data = "51554943 00000000 01000000 06000000 02000000  82808494 00073422 00000000"
    assert bytes(quic.decode(bytes.fromhex(data)).pixels) == bytes((10, *[12] * 5)) * 2


# Black pixels: the first is a one and seven zeros, for each after that a one is enough.
FIRST = "1 0000000"
ESCAPE = "0" * 18


@pytest.mark.parametrize(
    ("width", "height", "bits", "pixels"),
    [
        (2, 1, f"{FIRST} 1", "00 00"),
        (2, 1, f"{FIRST} {ESCAPE} 11101101", "00 80"),
        (5, 2, f"{FIRST} 1111  111  110", "00 00 00 00 00  00 00 00 00 00"),
        (5, 2, f"{FIRST} 1111  111  10 0 1", "00 00 00 00 00  00 00 00 00 00"),
        (5, 2, f"{FIRST} 1111  111  0 01 0 1111111", "00 00 00 00 00  00 00 00 FF FF"),
    ],
)
def test_bits_by_hand(width: int, height: int, bits: str, pixels: str) -> None:
    assert bytes(quic.decode(stream(1, width, height, bits)).pixels) == bytes.fromhex(pixels)


@pytest.mark.parametrize(
    ("width", "height", "bits", "reason"),
    [
        (2, 1, f"{FIRST} {ESCAPE} 11101110", "a codeword stands for no symbol"),
        (5, 2, f"{FIRST} 1111  111  1110", "a run goes beyond the end of its segment"),
        (5, 2, f"{FIRST} 1111  111  1{'1' * 32}", "a run goes beyond the end of its segment"),
    ],
)
def test_bad_bits(width: int, height: int, bits: str, reason: str) -> None:
    with pytest.raises(CodecError) as caught:
        quic.decode(stream(1, width, height, bits))
    assert (caught.value.reason, caught.value.offset) == (reason, HEADER.size)


def test_runs_of_all_lengths() -> None:
    """Wide rows of one colour take the run coder to its last state, of 2**15 pixels for a bit."""
    width = 70_000 if quic.COMPILED else 7_000
    pixels = np.zeros((40, width), np.uint8)
    data = quic.encode(pixels, width, 40, width, F.GRAY8)
    assert len(data) < pixels.size // 100
    assert np.array_equal(quic.decode(data).array(), pixels)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"magic": MAGIC + 1}, "magic 0x43495552 in place of 0x43495551 at offset 0"),
        ({"version": 1 << 16}, "version 0x10000 in place of 0 at offset 4"),
        ({"type": 0}, "type 0, 1 to 5 known at offset 8"),
        ({"type": 6}, "type 6, 1 to 5 known at offset 8"),
        ({"width": 0}, "an image of 0x1 pixels at offset 12"),
        ({"height": 0}, "an image of 2x0 pixels at offset 12"),
        ({"width": 8193, "height": 8192}, "8193x8192 pixels, 67108864 allowed at offset 12"),
        (
            {"width": 0xFFFFFFFF, "height": 0xFFFFFFFF},
            "4294967295x4294967295 pixels, 67108864 allowed at offset 12",
        ),
        (
            {"width": 8192, "height": 8192},
            "the stream ends within the image or its last word at offset 28",
        ),
    ],
)
def test_bad_headers(fields: dict[str, int], message: str) -> None:
    good = {"magic": MAGIC, "version": VERSION, "type": 4, "width": 2, "height": 1}
    data = HEADER.pack(*(good | fields).values()) + bytes(8)
    tracemalloc.start()
    try:
        with pytest.raises(CodecError) as caught:
            quic.decode(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert str(caught.value) == message


def test_the_callers_limit() -> None:
    data = quic.encode(bytes(40 * 25), 40, 25, 40, F.GRAY8)
    assert quic.decode(data, max_pixels=1000).width == 40
    with pytest.raises(CodecError, match="40x25 pixels, 999 allowed at offset 12"):
        quic.decode(data, max_pixels=999)


def picture(format: PixelFormat, width: int, height: int, stride: int, seed: int) -> bytes:
    """Runs, noise, and slopes, in rows with noise between them."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (height, stride), np.uint8)
    size = format.bits // 8
    pixels = np.repeat(rng.integers(0, 256, (height, width, size)), 1 + seed % 5, axis=1)[:, :width]
    if seed & 1:
        pixels = (np.cumsum(pixels % 5, axis=seed >> 1 & 1) + seed).astype(np.uint8)
    if seed & 4:
        pixels[1:] = pixels[0]
    rows[:, : width * size] = pixels.reshape(height, width * size)
    return rows.tobytes()


def kept(pixels: bytes, format: PixelFormat, width: int, height: int, stride: int) -> bytes:
    """The rows without padding, unused bits zero."""
    rows = np.frombuffer(pixels, np.uint8).reshape(height, stride)
    rows = rows[:, : format.row_bytes(width)].reshape(height, width, -1)
    unused = np.frombuffer(UNUSED.get(format, bytes(format.bits // 8)), np.uint8)
    return (rows & ~unused).tobytes()


@PROFILE
@given(
    format=st.sampled_from(CODED),
    width=st.integers(1, 90),
    height=st.integers(1, 40),
    padding=st.integers(0, 5),
    seed=st.integers(0, 1000),
    top_down=st.booleans(),
)
def test_what_is_encoded_decodes_to_itself(
    format: PixelFormat, width: int, height: int, padding: int, seed: int, top_down: bool
) -> None:
    stride = format.row_bytes(width) + padding
    pixels = picture(format, width, height, stride, seed)
    image = quic.decode(quic.encode(pixels, width, height, stride, format, top_down=top_down))
    image.top_down = top_down  # The rows as they were in memory.
    assert (image.format, image.width, image.height) == (format, width, height)
    assert image.tight() == kept(pixels, format, width, height, stride)


@PROFILE
@given(
    type_id=st.sampled_from(sorted(TYPES)),
    width=st.integers(1, 300),
    height=st.integers(1, 20),
    payload=st.binary(max_size=400),
)
def test_random_bits_give_an_error_or_a_picture(
    type_id: int, width: int, height: int, payload: bytes
) -> None:
    data = HEADER.pack(MAGIC, VERSION, type_id, width, height) + payload
    try:
        image = quic.decode(data)
    except CodecError as error:
        assert HEADER.size <= error.offset <= len(data)  # noqa: PT017 (a picture is fine too)
    else:
        assert len(image.tight()) == image.format.row_bytes(width) * height


def test_pixels_that_do_not_compress() -> None:
    for format in CODED:
        stride = format.row_bytes(90)
        pixels = np.random.default_rng(1).integers(0, 256, (60, stride), np.uint8).tobytes()
        data = quic.encode(pixels, 90, 60, stride, format)
        assert quic.decode(data).tight() == kept(pixels, format, 90, 60, stride)


def test_the_longest_codewords() -> None:
    """Few colours teach the model short codes, then come pixels that these are the worst for."""
    pixels = np.zeros((8, 300, 4), np.uint8)
    pixels[:, 1::100] = 128
    data = quic.encode(pixels, 300, 8, 1200, F.BGRA32)
    assert np.array_equal(quic.decode(data).array(), pixels)


def test_a_buffer_of_the_caller_with_padding() -> None:
    pixels = picture(F.BGR24, 7, 5, 21, 2)
    data = quic.encode(pixels, 7, 5, 21, F.BGR24)
    out = bytearray(b"\xaa" * (5 * 32 + 9))
    image = quic.decode(data, into=out, format=F.BGRX32, stride=32)
    assert image.pixels.obj is out
    assert image.tight() == quic.decode(data, format=F.BGRX32).tight()
    assert all(out[row * 32 + 28 : row * 32 + 32] == b"\xaa" * 4 for row in range(5))
    assert out[5 * 32 :] == b"\xaa" * 9


@pytest.mark.parametrize(
    ("into", "stride", "message"),
    [
        (bytes(12), None, "the buffer to decode into cannot be written to"),
        (bytearray(11), None, "a buffer of 11 bytes, 12 wanted"),
        (bytearray(40), 5, "a stride of 5 bytes for rows of 6"),
    ],
)
def test_unfit_buffers(into: bytes | bytearray, stride: int | None, message: str) -> None:
    data = quic.encode(bytes(12), 2, 2, 6, F.BGR24)
    with pytest.raises(ValueError, match=message):
        quic.decode(data, into=into, stride=stride)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, np.array])
def test_any_buffer_is_a_stream_or_pixels(kind: type) -> None:
    pixels = np.frombuffer(picture(F.BGRX32, 9, 4, 36, 0), np.uint8).reshape(4, 9, 4)
    data = quic.encode(pixels, 9, 4, 36, F.BGRX32)
    source = pixels.copy() if kind is np.array else kind(pixels.tobytes())
    assert quic.encode(source, 9, 4, 36, F.BGRX32) == data
    source = np.frombuffer(data, np.uint8) if kind is np.array else kind(data)
    assert quic.decode(source).tight() == quic.decode(data).tight()


@pytest.mark.parametrize(
    ("coded", "wanted"),
    [
        (F.GRAY8, F.BGRX32),
        (F.X1R5G5B5, F.BGR24),
        (F.BGR24, F.BGRA32),
        (F.BGRX32, F.BGRA32),
        (F.BGRA32, F.BGRX32),
    ],
)
def test_conversions_that_there_are_not(coded: PixelFormat, wanted: PixelFormat) -> None:
    data = quic.encode(bytes(4), 1, 1, 4, coded)
    with pytest.raises(ValueError, match=f"{coded.name} cannot be decoded to {wanted.name}"):
        quic.decode(data, format=wanted)


@pytest.mark.parametrize(
    ("width", "height", "stride", "format", "message"),
    [
        (4, 4, 4, F.A8, "QUIC has no images of A8"),
        (0, 4, 4, F.GRAY8, "an image of 0x4 pixels"),
        (4, -1, 4, F.GRAY8, "an image of 4x-1 pixels"),
        (4, 4, 11, F.BGR24, "a stride of 11 bytes for rows of 12"),
        (4, 5, 4, F.GRAY8, "16 bytes of pixels, 20 wanted"),
        (1 << 15, 1 << 14, 1 << 15, F.GRAY8, f"32768x16384 pixels, QUIC has {MOST_PIXELS} at most"),
    ],
)
def test_what_cannot_be_encoded(
    width: int, height: int, stride: int, format: PixelFormat, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        quic.encode(bytes(16), width, height, stride, format)


def test_unused_bits_do_not_matter() -> None:
    for format, unused in UNUSED.items():
        pixels = picture(format, 30, 9, format.row_bytes(30), 2)
        other = bytes(a ^ b for a, b in zip(pixels, unused * 270, strict=True))
        sizes = 30, 9, format.row_bytes(30), format
        assert quic.encode(pixels, *sizes) == quic.encode(other, *sizes)
