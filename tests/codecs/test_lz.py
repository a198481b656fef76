"""LZ: the vectors, streams written by hand, round trips, and what is refused."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec_vectors import DIRECTORY, Vector, read
from redspice.codecs import CodecError, Image, PixelFormat, lz, lz_plain
from redspice.codecs.lz_format import HEADER, MAGIC, TYPES, VERSION

F = PixelFormat

HEADER_BYTES = 28
A_TOKEN = "02 010203 040506 070809"  # Three pixels.

# Up to here every cut and every bit of a vector is tried, above it as many picked by chance, of
# long streams only a few: plain Python needs a tenth of a second for each of the largest pictures.
ALL_UP_TO = 128
LONG = 8000
FEW = 10

CODED = [type.format for type in TYPES.values() if type.id != 10]
PROFILE = settings(deadline=None, max_examples=300, derandomize=True, database=None)


@pytest.fixture(params=["for the compiler", "plain"])
def tokens(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both pairs of functions for tokens; that for the compiler runs uncompiled too."""
    choose(monkeypatch, plain=request.param == "plain")


def choose(patch: pytest.MonkeyPatch, *, plain: bool) -> None:
    patch.setattr(lz, "PLAIN_UNPACK", plain)
    patch.setattr(lz, "PLAIN_PACK", plain)


def stream(type_id: int, width: int, height: int, tokens: str, *, top_down: int = 1) -> bytes:
    stride = TYPES[type_id].format.row_bytes(width)
    header = HEADER.pack(MAGIC, VERSION, type_id, width, height, stride, top_down)
    return header + bytes.fromhex(tokens)


def natural(vector: Vector) -> tuple[PixelFormat, int, bytes]:
    """Format, stride and bytes of a vector's pixels as they were coded."""
    output = vector.outputs[0]
    name = vector["type"] if output.format == "PLT_BYTES" else output.format
    return F[name], output.stride, output.pixels()


def encoded(vector: Vector) -> bytes:
    format, stride, pixels = natural(vector)
    return lz.encode(
        pixels,
        vector["width"],
        vector["height"],
        stride,
        format,
        top_down=vector["top_down"],
        alpha_only=vector["type"] == "XXXA",
    )


@pytest.mark.usefixtures("tokens")
def test_each_output_of_a_vector(lz_vector: Vector) -> None:
    for output in lz_vector.outputs:
        format = None if output.format == "PLT_BYTES" else F[output.format]
        image = lz.decode(lz_vector.stream, format=format, palette=lz_vector.get("palette"))
        assert image.format is (format or F[lz_vector["type"]])
        assert (image.width, image.height) == (lz_vector["width"], lz_vector["height"])
        assert (image.stride, image.top_down) == (output.stride, lz_vector["top_down"])
        assert bytes(image.pixels) == output.pixels()


@pytest.mark.usefixtures("tokens")
def test_a_vector_encoded_decodes_to_itself(lz_vector: Vector) -> None:
    format, _, pixels = natural(lz_vector)
    image = lz.decode(encoded(lz_vector))
    assert (image.format, image.top_down) == (format, lz_vector["top_down"])
    if format is F.X1R5G5B5:
        assert (image.array() & 0x7FFF).tobytes() == (
            np.frombuffer(pixels, "<u2").reshape(image.height, -1)[:: 1 if image.top_down else -1]
            & 0x7FFF
        ).tobytes()
    else:
        assert bytes(image.pixels) == pixels


@pytest.mark.usefixtures("tokens")
def test_streams_are_not_longer_than_the_reference_encoders() -> None:
    vectors = [vector for vector in read(DIRECTORY, "lz") if not vector.get("crafted")]
    ours = [len(encoded(vector)) for vector in vectors]
    theirs = [vector["bin_size"] for vector in vectors]
    assert sum(ours) <= sum(theirs)
    assert max(a / b for a, b in zip(ours, theirs, strict=True)) < 1.13


def some(count: int, seed: int) -> list[int]:
    """All numbers below `count`, or some of them."""
    if count <= ALL_UP_TO:
        return list(range(count))
    return random.Random(seed).sample(range(count), ALL_UP_TO if count < LONG else FEW)


def test_every_cut_is_an_error(lz_vector: Vector) -> None:
    data = lz_vector.stream
    for size in some(len(data), 1):
        with pytest.raises(CodecError) as caught:
            lz.decode(memoryview(data)[:size])
        assert 0 <= caught.value.offset <= size


def test_flipped_bits_give_an_error_or_a_picture(lz_vector: Vector) -> None:
    data = bytearray(lz_vector.stream)
    for bit in some(len(data) * 8, 2):
        data[bit // 8] ^= 1 << bit % 8
        try:
            lz.decode(data, max_pixels=1 << 20)
        except CodecError as error:
            assert 0 <= error.offset <= len(data)  # noqa: PT017 (a picture is fine too)
        data[bit // 8] ^= 1 << bit % 8


@pytest.mark.usefixtures("tokens")
def test_a_stream_by_hand() -> None:
    data = stream(8, 5, 5, "01 010203 010203  E0 0D 00  02 010203 010203 010203")
    assert bytes(lz.decode(data).pixels) == bytes((1, 2, 3, 0)) * 25


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(
    ("type_id", "tokens", "units"),
    [
        (8, "00 010203 20 00", "01020300 01020300"),
        (7, "00 010203 20 00", "010203 010203"),
        (6, "00 8102 20 00", "0281 0281 0281"),
        (5, "00 07 20 00", "07 07 07 07"),
        (11, "01 0708 20 01", "07 08 07 08 07"),
        (9, "00 010203 20 00  01 0405", "01020304 01020305"),
        (10, "03 01020304", "00000001 00000002 00000003 00000004"),
        (8, "01 010203 040506 60 01", "01020300 04050600 01020300 04050600 01020300"),
    ],
)
def test_short_references(type_id: int, tokens: str, units: str) -> None:
    pixels = bytes.fromhex(units)
    width = len(pixels) * 8 // TYPES[type_id].format.bits
    assert bytes(lz.decode(stream(type_id, width, 1, tokens)).pixels) == pixels


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(
    ("type_id", "tokens", "reason", "offset"),
    [
        (8, "", "the stream ends within a token", 28),
        (8, "01 010203 0405", "the stream ends within a token", 28),
        (8, A_TOKEN, "the stream ends within a token", 38),
        (8, f"{A_TOKEN} 20", "the stream ends within a token", 38),
        (8, f"{A_TOKEN} E0", "the stream ends within a token", 38),
        (8, f"{A_TOKEN} E0 FF", "the stream ends within a token", 38),
        (8, f"{A_TOKEN} E0 FF 00", "the stream ends within a token", 38),
        (8, f"{A_TOKEN} 3F FF", "the stream ends within a token", 38),
        (8, f"{A_TOKEN} 3F FF 00", "the stream ends within a token", 38),
        (8, "20 00", "a reference to before the first pixel", 28),
        (8, f"{A_TOKEN} 20 03", "a reference to before the first pixel", 38),
        (8, f"{A_TOKEN} 3F FF 0000", "a reference to before the first pixel", 38),
        (8, f"{A_TOKEN} C0 00", "a token goes beyond the last pixel", 38),
        (8, f"{A_TOKEN} E0 FFFF00 00", "a token goes beyond the last pixel", 38),
        (8, f"{A_TOKEN} {A_TOKEN} {A_TOKEN}", "a token goes beyond the last pixel", 48),
        (8, f"{A_TOKEN} A0 00 00", "1 bytes after the last pixel", 40),
        (9, f"{A_TOKEN} A0 00", "the stream ends within a token", 40),
        (9, f"{A_TOKEN} A0 00 20 00", "a reference to before the first pixel", 40),
        (9, f"{A_TOKEN} A0 00 00 01 C0 00", "a token goes beyond the last pixel", 42),
        (9, f"{A_TOKEN} A0 00 07 0102030405060708 FF", "1 bytes after the last pixel", 49),
        (6, "07 0001", "the stream ends within a token", 28),
        (5, "07 00010203040506", "the stream ends within a token", 28),
    ],
)
def test_bad_tokens(type_id: int, tokens: str, reason: str, offset: int) -> None:
    with pytest.raises(CodecError) as caught:
        lz.decode(stream(type_id, 8, 1, tokens))
    assert (caught.value.reason, caught.value.offset) == (reason, offset)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"magic": 0x20205A4D}, "magic 0x20205a4d is not that of LZ at offset 0"),
        ({"version": 0x00020000}, "version 2.0, 1.1 wanted at offset 4"),
        ({"type": 0}, "type 0 is unknown at offset 8"),
        ({"type": 12}, "type 12 is unknown at offset 8"),
        ({"width": 0, "stride": 0}, "an image of 0x1 pixels at offset 12"),
        ({"height": 0}, "an image of 2x0 pixels at offset 12"),
        ({"stride": 12}, "a stride of 12 bytes for 2 pixels of BGRX32 at offset 20"),
        ({"stride": 4}, "a stride of 4 bytes for 2 pixels of BGRX32 at offset 20"),
        ({"type": 1, "stride": 0}, "a stride of 0 bytes for 2 pixels of PLT1_LE at offset 20"),
        ({"top_down": 2}, "row order 2 is neither 0 nor 1 at offset 24"),
        (
            {"width": 1 << 14, "height": 1 << 13, "stride": 1 << 16},
            "16384x8192 pixels, 67108864 allowed at offset 12",
        ),
        (
            {"width": 0xFFFFFFFF, "height": 0xFFFFFFFF},
            "4294967295x4294967295 pixels, 67108864 allowed at offset 12",
        ),
    ],
)
def test_bad_headers(fields: dict[str, int], message: str) -> None:
    good = {
        "magic": MAGIC,
        "version": VERSION,
        "type": 8,
        "width": 2,
        "height": 1,
        "stride": 8,
        "top_down": 1,
    }
    data = HEADER.pack(*(good | fields).values()) + bytes.fromhex("01 010203 010203")
    with pytest.raises(CodecError) as caught:
        lz.decode(data)
    assert str(caught.value) == message


def test_the_format_has_its_own_limit_on_bytes() -> None:
    data = stream(8, 1 << 14, 1 << 14, "")
    with pytest.raises(CodecError, match="1073741824 bytes of pixels, 1073741823 allowed"):
        lz.decode(data, max_pixels=1 << 28)


def test_pictures_above_the_callers_limit_are_refused_before_there_is_room_for_them() -> None:
    data = stream(8, 1000, 1001, "")
    tracemalloc.start()
    try:
        with pytest.raises(CodecError, match="1000x1001 pixels, 1000000 allowed"):
            lz.decode(data, max_pixels=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("stride", [12, 15, 16])
@pytest.mark.parametrize("offset", [0, 1])
def test_decodes_into_the_callers_buffer(stride: int, offset: int) -> None:
    data = stream(8, 3, 2, "05 010203 040506 070809 0a0b0c 0d0e0f 101112")
    buffer = bytearray(b"\xee" * (2 * stride + offset))
    image = lz.decode(data, into=memoryview(buffer)[offset:], stride=stride)
    padding = b"\xee" * (stride - 12)
    first, second = bytes.fromhex("010203000405060007080900 0a0b0c000d0e0f0010111200").partition(
        b"\x0a"
    )[::2]
    assert buffer == b"\xee" * offset + first + padding + b"\x0a" + second + padding
    assert image.stride == stride


def test_converts_into_the_callers_buffer() -> None:
    buffer = bytearray(8)
    lz.decode(
        stream(5, 2, 1, "01 0100"), into=buffer, format=F.BGRX32, palette=[0x102030, 0x405060]
    )
    assert buffer.hex() == "6050400030201000"
    lz.decode(stream(8, 2, 1, "01 010203 040506"), into=buffer, format=F.BGR24)
    assert buffer.hex() == "0102030405061000"


def test_a_numpy_array_is_decoded_into() -> None:
    array = np.zeros((2, 1, 4), np.uint8)
    lz.decode(stream(9, 1, 2, "01 010203 040506 01 0708"), into=array)
    assert array.tolist() == [[[1, 2, 3, 7]], [[4, 5, 6, 8]]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"into": bytearray(7)}, "a buffer of 7 bytes, 8 wanted"),
        ({"into": bytes(8)}, "cannot be written to"),
        ({"stride": 7}, "a stride of 7 bytes for rows of 8"),
        ({"format": F.PLT8}, "no conversion of BGRX32 to PLT8"),
    ],
)
def test_arguments_that_cannot_be(arguments: dict[str, object], message: str) -> None:
    decode: Callable[..., Image] = lz.decode
    with pytest.raises(ValueError, match=message):
        decode(stream(8, 2, 1, "01 010203 040506"), **arguments)


def test_a_palette_is_wanted_to_convert() -> None:
    data = stream(5, 1, 1, "00 01")
    with pytest.raises(ValueError, match="PLT8 without a palette"):
        lz.decode(data, format=F.BGRX32)
    assert lz.decode(data, palette=[1, 2]).palette == [1, 2]


def test_alpha_values_decode_to_a_plane() -> None:
    image = lz.decode(stream(10, 2, 1, "01 0708"), format=F.A8)
    assert (image.format, bytes(image.pixels)) == (F.A8, b"\x07\x08")


@pytest.mark.parametrize(
    ("rows", "image_top_down", "stream_top_down"),
    [("04 05", True, 1), ("05 04", True, 0), ("05 04", False, 1), ("04 05", False, 0)],
)
def test_alpha_values_go_to_their_rows(
    rows: str, image_top_down: bool, stream_top_down: int
) -> None:
    pixels = bytearray(b"abcdabcd")
    image = Image(F.BGRX32, 1, 2, 4, memoryview(pixels), image_top_down)
    lz.decode_alpha(stream(10, 1, 2, "01 0405", top_down=stream_top_down), image)
    first, second = bytes.fromhex(rows)
    assert pixels == b"abc%cabc%c" % (first, second)


def test_alpha_values_for_another_picture_are_refused() -> None:
    image = Image(F.BGRA32, 2, 2, 8, memoryview(bytearray(16)))
    with pytest.raises(CodecError, match="4x1 alpha values for 2x2 at offset 12"):
        lz.decode_alpha(stream(10, 4, 1, "03 01020304"), image)
    with pytest.raises(CodecError, match="type 11 is not that of alpha values at offset 8"):
        lz.decode_alpha(stream(11, 2, 2, "03 01020304"), image)
    with pytest.raises(CodecError, match="5x1 pixels, 4 allowed at offset 12"):
        lz.decode_alpha(stream(10, 5, 1, "04 0102030405"), image)


@pytest.mark.parametrize(
    "image",
    [
        Image(F.BGR24, 1, 1, 3, memoryview(bytearray(3))),
        Image(F.BGRX32, 1, 1, 4, memoryview(bytes(4))),
    ],
    ids=["24 bits", "read only"],
)
def test_an_image_that_cannot_have_alpha_values(image: Image) -> None:
    with pytest.raises(ValueError, match="writable image of 32 bits"):
        lz.decode_alpha(stream(10, 1, 1, "00 01"), image)


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("format", [F.A8, F.X1R5G5B5, F.BGRX32])
@pytest.mark.parametrize(
    ("distance", "found"),
    [(100, True), (8191, True), (8192, True), (8193, True), (73724, True), (73725, False)],
)
def test_matches_are_found_as_far_as_references_reach(
    format: PixelFormat, distance: int, found: bool
) -> None:
    piece = random.Random(1).randbytes(64 * format.bits // 8)
    once = piece + bytes(distance * format.bits // 8 - len(piece))
    twice = once + piece
    result = lz.encode(twice, distance + 64, 1, len(twice), format)
    assert lz.decode(result).tight() == visible(twice, format)
    more = len(result) - len(lz.encode(once, distance, 1, len(once), format))
    assert more < 16 if found else more > 64


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("format", [F.PLT8, F.X1R5G5B5, F.BGRA32])
def test_runs_of_every_length(format: PixelFormat) -> None:
    size = format.bits // 8
    for length in [*range(1, 44), *range(255, 280), 510, 511, 520, 521, 70_000]:
        data = b"abcd"[:size] * length + b"efgh"[:size]
        result = lz.encode(data, length + 1, 1, len(data), format)
        assert lz.decode(result).tight() == visible(data, format)


def test_the_plain_encoder_forgets_what_it_has_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, plain=True)
    piece = random.Random(1).randbytes(64)
    data = piece * 2
    longer = b"".join(bytes((a, 0, a)) for a in range(64)) + piece + piece
    found = len(lz.encode(data, 128, 1, 128, F.A8))
    monkeypatch.setattr(lz_plain, "MAX_RECENT", 32)
    forgotten = lz.encode(data, 128, 1, 128, F.A8)
    assert len(forgotten) > found
    assert lz.decode(forgotten).tight() == data
    result = lz.encode(longer, len(longer), 1, len(longer), F.A8)
    assert lz.decode(result).tight() == longer


def test_rows_are_read_at_their_stride_and_coded_without_padding() -> None:
    padded = bytes.fromhex("01ee 02ee 03")
    assert lz.encode(padded, 8, 3, 2, F.PLT1_LE) == lz.encode(b"\x01\x02\x03", 8, 3, 1, F.PLT1_LE)


def test_arrays_and_views_are_encoded_like_bytes() -> None:
    data = bytes(range(64))
    wanted = lz.encode(data, 4, 4, 16, F.BGRX32)
    assert lz.encode(memoryview(data), 4, 4, 16, F.BGRX32) == wanted
    assert lz.encode(np.frombuffer(data, "<u4").reshape(4, 4), 4, 4, 16, F.BGRX32) == wanted
    assert lz.encode(memoryview(b"x" + data)[1:], 4, 4, 16, F.BGRX32) == wanted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((b"a", 1, 1, 1, F.GRAY8), "LZ has no type for GRAY8"),
        ((b"abc", 1, 1, 2, F.BGR24), "a stride of 2 bytes for rows of 3"),
        ((b"ab", 1, 1, 3, F.BGR24), "2 bytes of pixels, 3 wanted"),
        ((b"", 0, 1, 3, F.BGR24), "an image of 0x1 pixels"),
    ],
)
def test_pixels_that_cannot_be_encoded(arguments: tuple[object, ...], message: str) -> None:
    encode: Callable[..., bytes] = lz.encode
    with pytest.raises(ValueError, match=message):
        encode(*arguments)


def test_alpha_values_of_pixels_without_them() -> None:
    with pytest.raises(ValueError, match="LZ has no type for alpha of BGR24"):
        lz.encode(b"abc", 1, 1, 3, F.BGR24, alpha_only=True)


def visible(data: bytes | bytearray, format: PixelFormat, alpha_only: bool = False) -> bytes:
    """The bytes of rows without padding as they come back: what the format does not use is 0."""
    pixels = np.frombuffer(bytes(data), np.uint8).copy()
    if alpha_only:
        pixels.reshape(-1, 4)[:, :3] = 0
    elif format is F.BGRX32:
        pixels[3::4] = 0
    return pixels.tobytes()


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Image, bool]:
    """A picture of few colours with rows at any stride; whether only its alpha is to be coded."""
    format = draw(st.sampled_from(CODED))
    width, height = draw(st.integers(1, 70)), draw(st.integers(1, 12))
    row = format.row_bytes(width)
    stride = row + draw(st.integers(0, 5))
    colours = draw(st.integers(1, 6))
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    size = max(1, format.bits // 8)
    palette = [chance.randbytes(size) for _ in range(colours)]
    # Without bit 15 of X1R5G5B5, which need not come back.
    palette = [bytes((a[0], a[1] & 0x7F)) if size == 2 else a for a in palette]
    pieces = [chance.choice(palette) * chance.choice((1, 1, 2, 9)) for _ in range(width * height)]
    rows = b"".join(pieces)[: row * height]
    padded = b"".join(
        rows[at : at + row] + chance.randbytes(stride - row) for at in range(0, len(rows), row)
    )
    pixels = memoryview(bytearray(padded))
    image = Image(format, width, height, stride, pixels, draw(st.booleans()))
    return image, format.bits == 32 and draw(st.booleans())


def check_round_trip(image: Image, alpha_only: bool) -> None:
    data = lz.encode(
        image.pixels,
        image.width,
        image.height,
        image.stride,
        image.format,
        top_down=image.top_down,
        alpha_only=alpha_only,
    )
    result = lz.decode(data)
    assert result.top_down is image.top_down
    assert result.tight() == visible(image.tight(), image.format, alpha_only)


@PROFILE
@given(pictures())
def test_round_trip(case: tuple[Image, bool]) -> None:
    check_round_trip(*case)


@PROFILE
@given(pictures())
def test_round_trip_with_plain_tokens(case: tuple[Image, bool]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        choose(patch, plain=True)
        check_round_trip(*case)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A good header, then anything, with many small numbers, which make short tokens."""
    body = draw(st.lists(st.integers(0, 40) | st.integers(0, 255), max_size=60))
    type_id, width, height = draw(st.tuples(*[st.integers(1, n) for n in (11, 20, 4)]))
    return stream(type_id, width, height, bytes(body).hex())


def outcome(data: bytes) -> tuple[str, int] | bytes:
    try:
        return lz.decode(data).tight()
    except CodecError as error:
        return error.reason, error.offset


@PROFILE
@given(streams())
def test_any_tokens_give_the_same_picture_or_error_with_both_functions(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        choose(patch, plain=False)
        first = outcome(data)
        choose(patch, plain=True)
        assert outcome(data) == first


@PROFILE
@given(st.binary(max_size=80))
def test_anything_is_an_error(data: bytes) -> None:
    with pytest.raises(CodecError):
        lz.decode(data)
