"""BITMAP: all formats decode as viewers show them, and pictures become any format."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imagegen
from codec_vectors import DIRECTORY, Vector, read
from redspice.codecs import CodecError, PixelFormat, bitmap
from redspice.codecs.image import Image

F = PixelFormat
VECTORS = [v for v in read(DIRECTORY, "image") if v["image_type"] == "BITMAP"]

PALETTE_FORMATS = [number for number, format in bitmap.FORMATS.items() if format.has_palette]
COLOUR_FORMATS = [number for number in bitmap.FORMATS if number not in PALETTE_FORMATS]


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_the_reference_decoder_agrees(vector: Vector) -> None:
    image = bitmap.decode(
        vector.stream,
        vector["format_id"],
        vector["width"],
        vector["height"],
        vector["src_stride"],
        top_down=vector["top_down"],
        palette=vector["palette"],
        depth=vector["surface_depth"],
    )
    (output,) = vector.outputs
    assert image.format.name == output.format
    assert image.tight() == output.pixels()


def decoded_indices(data: bytes, number: int, width: int, height: int) -> list[int]:
    """With a palette whose entry i is the colour i."""
    stride = bitmap.FORMATS[number].row_bytes(width)
    palette = range(1 << bitmap.FORMATS[number].bits)
    image = bitmap.decode(data, number, width, height, stride, palette=palette)
    return image.array()[..., 0].ravel().tolist()


@pytest.mark.parametrize(
    ("number", "data", "indices"),
    [
        (1, "05", [1, 0, 1, 0, 0]),
        (2, "a0", [1, 0, 1, 0, 0]),
        (3, "21 03", [1, 2, 3]),
        (4, "12 30", [1, 2, 3]),
        (5, "01 02 ff", [1, 2, 255]),
    ],
)
def test_the_leftmost_pixel_is_where_the_format_has_it(
    number: int, data: str, indices: list[int]
) -> None:
    assert decoded_indices(bytes.fromhex(data), number, len(indices), 1) == indices


def test_without_a_palette_the_bits_of_a_mask_stay_packed() -> None:
    image = bitmap.decode(b"\xa0\xff\x50\xff", 2, 4, 2, 2, top_down=False)
    assert image.format is F.PLT1_BE
    assert image.tight() == b"\x50\xa0"


@pytest.mark.parametrize("number", PALETTE_FORMATS)
def test_indices_beyond_the_palette_are_harmless(number: int) -> None:
    image = bitmap.decode(b"\xff" * 4, number, 4, 1, 4, palette=[0x010203])
    assert len(image.tight()) == 16


def test_entries_keep_their_top_byte() -> None:
    image = bitmap.decode(b"\x00", 5, 1, 1, 1, palette=[0xFF102030])
    assert image.tight() == bytes.fromhex("302010ff")


def test_the_unused_byte_is_carried() -> None:
    assert bitmap.decode(b"\1\2\3\4", 8, 1, 1, 4).tight() == b"\1\2\3\4"


def test_the_result_is_the_callers_to_change() -> None:
    data = b"\1\2\3\4"
    bitmap.decode(data, 8, 1, 1, 4).pixels[0] = 9
    assert data == b"\1\2\3\4"


@pytest.mark.parametrize("depth", [16, 32])
@pytest.mark.parametrize("number", bitmap.FORMATS)
def test_a_buffer_of_the_caller_takes_rows_at_its_stride(number: int, depth: int) -> None:
    width, height = 7, 3
    stride = bitmap.FORMATS[number].row_bytes(width) + 1
    data = imagegen.noise(stride, height, 5)[..., 0].tobytes()
    palette = imagegen.palette(256, 1) if number in PALETTE_FORMATS else None
    arguments = (data, number, width, height, stride)
    alone = bitmap.decode(*arguments, palette=palette, depth=depth)
    buffer = bytearray(b"\xaa" * 40 * height)
    image = bitmap.decode(*arguments, palette=palette, depth=depth, into=buffer, into_stride=40)
    assert image.stride == 40
    assert image.tight() == alone.tight()
    assert buffer[: alone.stride] == alone.tight()[: alone.stride]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((bytes(4), 0, 1, 1, 4), "bitmap format 0 is not known at offset 0"),
        ((bytes(4), 11, 1, 1, 4), "bitmap format 11 is not known at offset 0"),
        ((bytes(4), 8, 0, 1, 4), "an image of 0x1 pixels"),
        ((bytes(4), 8, 1, 2**31, 4), "pixels, 67108864 allowed"),
        ((bytes(8), 8, 2, 1, 7), "a stride of 7 bytes for rows of 8"),
        ((bytes(8), 8, 1, 1, -4), "a stride of -4 bytes"),
        ((bytes(7), 8, 1, 2, 4), "7 bytes of pixels, 8 wanted at offset 7"),
        ((bytes(9), 8, 1, 2, 4), "9 bytes of pixels, 8 wanted at offset 8"),
        ((b"", 2, 1, 1, 2**32 - 1), "0 bytes of pixels, 4294967295 wanted at offset 0"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    arguments: tuple[bytes, int, int, int, int], message: str
) -> None:
    with pytest.raises(CodecError, match=message):
        bitmap.decode(*arguments)


def test_the_limit_is_the_callers() -> None:
    assert bitmap.decode(bytes(16), 8, 2, 2, 8, max_pixels=4).height == 2
    with pytest.raises(CodecError, match="2x2 pixels, 3 allowed"):
        bitmap.decode(bytes(16), 8, 2, 2, 8, max_pixels=3)


def test_a_surface_has_16_or_32_bits() -> None:
    with pytest.raises(ValueError, match="a surface of 24 bits"):
        bitmap.decode(bytes(4), 8, 1, 1, 4, depth=24)


# encoding


def through(data: bytes, number: int, width: int, height: int, stride: int) -> bytes:
    """Decoded, encoded again in the same format and decoded."""
    format = bitmap.FORMATS[number]
    packed = bitmap.decode(data, number, width, height, stride)
    encoded = bitmap.encode(packed.pixels, width, height, packed.stride, packed.format, to=number)
    assert len(encoded) == height * format.row_bytes(width)
    return bitmap.decode(encoded, number, width, height, format.row_bytes(width)).tight()


@given(
    number=st.sampled_from(sorted(bitmap.FORMATS)),
    width=st.integers(1, 40),
    height=st.integers(1, 6),
    padding=st.integers(0, 9),
    seed=st.integers(0, 1000),
)
def test_every_format_survives_a_round_trip(
    number: int, width: int, height: int, padding: int, seed: int
) -> None:
    stride = bitmap.FORMATS[number].row_bytes(width) + padding
    data = imagegen.noise(stride, height, seed)[..., 0].tobytes()
    before = bitmap.decode(data, number, width, height, stride).tight()
    assert through(data, number, width, height, stride) == before


@given(
    number=st.sampled_from(PALETTE_FORMATS),
    width=st.integers(1, 40),
    height=st.integers(1, 6),
    padding=st.integers(0, 9),
    seed=st.integers(0, 1000),
)
def test_a_picture_of_few_colours_becomes_indices(
    number: int, width: int, height: int, padding: int, seed: int
) -> None:
    format = bitmap.FORMATS[number]
    palette = imagegen.palette(1 << format.bits, seed)
    indices = imagegen.noise(width, height, seed)[..., 0].astype(int) % len(palette)
    picture = np.array(palette, "<u4")[indices]
    row_bytes = format.row_bytes(width)
    stride = row_bytes + padding
    encoded = bitmap.encode(
        picture,
        width,
        height,
        4 * width,
        F.BGRX32,
        to=number,
        to_stride=stride,
        palette=palette,
    )
    assert len(encoded) == height * stride
    image = bitmap.decode(encoded, number, width, height, stride, palette=palette)
    assert image.tight() == picture.tobytes()


PICTURE = imagegen.photo(9, 5, 3)


def encoded_picture(number: int) -> Image:
    encoded = bitmap.encode(PICTURE, 9, 5, 36, F.BGRA32, to=number)
    stride = bitmap.FORMATS[number].row_bytes(9)
    return bitmap.decode(encoded, number, 9, 5, stride)


def test_16_bits_are_the_upper_ones() -> None:
    assert encoded_picture(6).tight() == imagegen.to_rgb16(PICTURE).tobytes()


def test_24_bits_leave_the_fourth_byte_out() -> None:
    assert np.array_equal(encoded_picture(7).array()[..., :3], PICTURE[..., :3])


@pytest.mark.parametrize("number", [8, 9])
def test_32_bits_stay_as_they_are(number: int) -> None:
    assert encoded_picture(number).tight() == PICTURE.tobytes()


def test_8_bits_of_alpha_are_the_fourth_byte() -> None:
    assert encoded_picture(10).tight() == imagegen.to_a8(PICTURE).tobytes()


def test_pixels_of_16_and_24_bits_become_32() -> None:
    assert bitmap.encode(b"\xff\x7f", 1, 1, 2, F.X1R5G5B5, to=8) == b"\xff\xff\xff\0"
    assert bitmap.encode(b"\1\2\3", 1, 1, 3, F.BGR24, to=8) == b"\1\2\3\0"


def test_the_format_is_that_of_the_pixels_unless_given() -> None:
    assert bitmap.encode(b"\1\2\3_\4\5\6", 1, 2, 4, F.BGR24) == b"\1\2\3\4\5\6"


def test_padding_is_zero_in_the_last_row_too() -> None:
    assert bitmap.encode(b"\1\2", 1, 2, 1, F.PLT8, to_stride=3) == b"\1\0\0\2\0\0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": 11}, "no bitmap format 11"),
        ({"to": 5}, "a palette of 1 to 256 colours wanted, 0 given"),
        ({"to": 2, "palette": [1, 2, 3]}, "a palette of 1 to 2 colours wanted, 3 given"),
        ({"to": 5, "palette": [0x030201]}, "colour 060504 of pixel 1, 0 is not in the palette"),
        ({"to": 8, "to_stride": 7}, "a stride of 7 bytes for rows of 8"),
    ],
)
def test_what_cannot_be_encoded_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bitmap.encode(bytes.fromhex("0102030004050600"), 2, 1, 8, F.BGRX32, **options)


def test_formats_that_are_no_bitmaps_are_refused() -> None:
    with pytest.raises(ValueError, match="no bitmap format GRAY8"):
        bitmap.encode(b"\0", 1, 1, 1, F.GRAY8)
    with pytest.raises(ValueError, match="no conversion of A8 to X1R5G5B5"):
        bitmap.encode(b"\0", 1, 1, 1, F.A8, to=6)


@given(
    data=st.binary(max_size=40),
    number=st.integers(0, 11),
    width=st.integers(-1, 9),
    height=st.integers(-1, 9),
    stride=st.integers(-1, 12),
    depth=st.sampled_from([16, 32]),
    palette=st.none() | st.lists(st.integers(0, 2**32 - 1), max_size=300),
)
def test_any_bytes_decode_or_are_refused(
    data: bytes,
    number: int,
    width: int,
    height: int,
    stride: int,
    depth: int,
    palette: list[int] | None,
) -> None:
    try:
        image = bitmap.decode(data, number, width, height, stride, depth=depth, palette=palette)
    except CodecError as error:
        caught = error
    else:
        assert (image.width, image.height) == (width, height)
        return
    assert 0 <= caught.offset <= len(data)
