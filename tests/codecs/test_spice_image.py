"""Images as they travel: all types give what a viewer shows, or say what is wrong."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imagegen
from codec_vectors import DIRECTORY, Vector, read, unpacked
from redspice.codecs import (
    CodecError,
    PixelFormat,
    bitmap,
    jpeg,
    lz,
    lz4,
    quic,
    spice_image,
    zlib_glz,
)
from redspice.codecs.errors import MissingImageError
from redspice.codecs.glz_dictionary import Dictionary
from redspice.codecs.glz_window import GlzWindow
from redspice.codecs.image import Image

F = PixelFormat
BITMAP, QUIC, LZ_PLT, LZ_RGB, GLZ_RGB, JPEG, ZLIB_GLZ, JPEG_ALPHA, LZ4 = spice_image.DECODERS

VECTORS = read(DIRECTORY, "image")

#: Cuts and flips tried on one stream.
SAMPLES = 60


def fields(vector: Vector) -> dict[str, Any]:
    names = {
        "format_id": "bitmap_format",
        "src_stride": "stride",
        "surface_depth": "depth",
        "flags": "flags",
        "palette": "palette",
        "jpeg_size": "jpeg_size",
    }
    return {name: vector[key] for key, name in names.items() if key in vector.fields}


def decode(vector: Vector, data: bytes | None = None) -> Image:
    return spice_image.decode(
        vector["image_type_id"],
        vector.stream if data is None else data,
        vector["width"],
        vector["height"],
        **fields(vector),
    )


def outcome(vector: Vector, data: bytes) -> Image | CodecError:
    try:
        return decode(vector, data)
    except CodecError as error:
        return error


def test_the_reference_viewer_shows_the_same(image_vector: Vector) -> None:
    image = decode(image_vector)
    (output,) = image_vector.outputs
    assert image.format.name == output.format
    assert (image.width, image.height) == (image_vector["width"], image_vector["height"])
    assert image.tight() == output.pixels()


def test_the_reference_viewer_shows_the_same_sequence(zlib_glz_vector: Vector) -> None:
    window = GlzWindow()
    streams = zlib_glz_vector.stream
    pixels = unpacked(zlib_glz_vector.directory / zlib_glz_vector["raw"])
    for entry in zlib_glz_vector["images"]:
        start = entry["bin_offset"]
        image = spice_image.decode(
            {"GLZ_RGB": GLZ_RGB, "ZLIB_GLZ_RGB": ZLIB_GLZ}[entry["image_type"]],
            streams[start : start + entry["bin_size"]],
            entry["width"],
            entry["height"],
            glz_data_size=entry.get("glz_data_size") or 0,
            window=window,
        )
        start = entry["raw_offset"]
        assert image.tight() == pixels[start : start + entry["raw_size"]]


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_cuts_are_noticed(vector: Vector) -> None:
    stream = vector.stream
    for cut in np.unique(np.linspace(0, len(stream) - 1, SAMPLES, dtype=int)).tolist():
        result = outcome(vector, stream[:cut])
        assert isinstance(result, CodecError), cut
        assert 0 <= result.offset <= max(cut, vector.get("jpeg_size", 0))


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_flipped_bits_are_refused_or_give_a_picture(vector: Vector) -> None:
    stream = vector.stream
    for at in np.unique(np.linspace(0, len(stream) - 1, SAMPLES, dtype=int)).tolist():
        broken = bytearray(stream)
        broken[at] ^= 1 << at % 8
        result = outcome(vector, bytes(broken))
        if isinstance(result, Image):
            assert (result.width, result.height) == (vector["width"], vector["height"])


PICTURE = imagegen.desktop(20, 12, 5)
TALL = imagegen.desktop(12, 20, 5)


def streams(picture: imagegen.Picture) -> dict[int, tuple[bytes, dict[str, Any]]]:
    """The picture as each type of image, with the fields that it needs."""
    height, width = picture.shape[:2]
    layout = (picture, width, height, 4 * width)
    indices = (imagegen.to_plt8(picture), width, height, width, F.PLT8)
    data, jpeg_size = jpeg.encode_alpha(*layout)
    glz = Dictionary(1 << 20).encode(*layout, F.BGRX32)
    palette = imagegen.palette(256, 1)
    return {
        BITMAP: (picture.tobytes(), {"bitmap_format": 8, "stride": 4 * width}),
        QUIC: (quic.encode(*layout, F.BGRX32), {}),
        LZ_PLT: (lz.encode(*indices), {"palette": palette}),
        LZ_RGB: (lz.encode(*layout, F.BGRX32), {}),
        GLZ_RGB: (glz, {}),
        JPEG: (jpeg.encode(*layout, F.BGRX32), {}),
        ZLIB_GLZ: (zlib.compress(glz), {"glz_data_size": len(glz)}),
        JPEG_ALPHA: (data, {"jpeg_size": jpeg_size, "flags": 1}),
        LZ4: (lz4.encode(*layout, F.BGRX32), {}),
    }


STREAMS = streams(PICTURE)
#: Types whose stream tells its size.
WITH_SIZES = [type for type in STREAMS if type not in (BITMAP, LZ4)]


@pytest.mark.parametrize("type", STREAMS)
def test_a_stream_of_another_size_is_refused(type: int) -> None:
    data, needed = streams(TALL)[type]
    if type in WITH_SIZES:
        with pytest.raises(CodecError, match="12x20 pixels, 20x12 wanted"):
            spice_image.decode(type, data, 20, 12, window=GlzWindow(), **needed)
    with pytest.raises(CodecError):
        spice_image.decode(type, data, 12, 19, window=GlzWindow(), **needed)


@pytest.mark.parametrize("type", spice_image.DECODERS)
def test_sizes_above_the_limit_are_refused_before_the_data_are_read(type: int) -> None:
    window = GlzWindow()
    with pytest.raises(CodecError, match="8193x8192 pixels, 67108864 allowed at offset 0"):
        spice_image.decode(type, b"", 8193, 8192, window=window)
    with pytest.raises(CodecError, match="2x2 pixels, 3 allowed"):
        spice_image.decode(type, b"", 2, 2, max_pixels=3, window=window)
    with pytest.raises(CodecError, match="an image of 0x1 pixels"):
        spice_image.decode(type, b"", 0, 1, window=window)


@pytest.mark.parametrize("type", [2, 3, 99, 103, 104, 106, 110, -1])
def test_types_without_a_picture_are_refused(type: int) -> None:
    with pytest.raises(CodecError, match=f"an image of type {type} has no picture in it"):
        spice_image.decode(type, b"", 1, 1)


@pytest.mark.parametrize("type", STREAMS)
def test_high_bits_fill_the_unused_byte(type: int) -> None:
    data, needed = STREAMS[type]
    plain, image = (
        spice_image.decode(type, data, 20, 12, high_bits=high, window=GlzWindow(), **needed)
        for high in (False, True)
    )
    assert np.array_equal(image.array()[..., :3], plain.array()[..., :3])
    if image.format is F.BGRX32:
        assert (image.array()[..., 3] == 255).all()
    else:
        assert np.array_equal(image.array(), plain.array())


@pytest.mark.parametrize("source", [F.X1R5G5B5, F.BGR24])
def test_high_bits_fill_a_byte_that_was_not_there_before(source: PixelFormat) -> None:
    data = lz4.encode(bytes(6), 2, 1, source.row_bytes(2), source)
    image = spice_image.decode(LZ4, data, 2, 1, high_bits=True, format=F.BGRX32)
    assert image.tight() == bytes((0, 0, 0, 255)) * 2


def test_high_bits_leave_alpha_alone() -> None:
    data = lz4.encode(bytes(8), 2, 1, 8, F.BGRA32)
    image = spice_image.decode(LZ4, data, 2, 1, high_bits=True, format=F.BGRX32)
    assert image.tight() == bytes(8)


def test_high_bits_leave_the_window_alone() -> None:
    dictionary, window = Dictionary(1 << 20), GlzWindow()
    for _ in range(2):
        data = dictionary.encode(PICTURE, 20, 12, 80, F.BGRX32)
        spice_image.decode(GLZ_RGB, data, 20, 12, window=window, high_bits=True)
    data = dictionary.encode(PICTURE, 20, 12, 80, F.BGRX32)
    image = spice_image.decode(GLZ_RGB, data, 20, 12, window=window)
    assert not image.array()[..., 3].any()


def test_what_a_stream_may_inflate_to_is_limited_for_large_pictures_too() -> None:
    most = zlib_glz.MAX_SIZE
    for size in (most + 1, 16 * (1 << 26)):
        with pytest.raises(CodecError, match=f"33 to {most} allowed"):
            spice_image.decode(ZLIB_GLZ, b"", 1 << 13, 1 << 13, glz_data_size=size)


def test_an_image_that_must_wait_says_for_which() -> None:
    dictionary = Dictionary(1 << 20)
    first, second = (dictionary.encode(PICTURE, 20, 12, 80, F.BGRX32) for _ in range(2))
    window = GlzWindow()
    with pytest.raises(MissingImageError) as caught:
        spice_image.decode(GLZ_RGB, second, 20, 12, window=window)
    assert caught.value.id == 0
    for data in (first, second):
        image = spice_image.decode(GLZ_RGB, data, 20, 12, window=window)
        assert np.array_equal(image.array()[..., :3], PICTURE[..., :3])


@pytest.mark.parametrize("type", [GLZ_RGB, ZLIB_GLZ])
def test_glz_needs_a_window(type: int) -> None:
    data, needed = STREAMS[type]
    with pytest.raises(ValueError, match="GLZ images need a window"):
        spice_image.decode(type, data, 20, 12, **needed)


def test_a_small_picture_has_no_large_stream() -> None:
    with pytest.raises(CodecError, match="10000 bytes of GLZ, 33 to 3873 allowed"):
        spice_image.decode(ZLIB_GLZ, b"", 20, 12, glz_data_size=10**4, window=GlzWindow())


def test_a_surface_of_32_bits_gets_wide_pixels() -> None:
    white = b"\xff\x7f"
    image = spice_image.decode(BITMAP, white, 1, 1, bitmap_format=6, stride=2, format=F.BGRX32)
    assert image.tight() == b"\xff\xff\xff\0"
    stream = lz.encode(white, 1, 1, 2, F.X1R5G5B5)
    assert spice_image.decode(LZ_RGB, stream, 1, 1).tight() == white
    assert spice_image.decode(LZ_RGB, stream, 1, 1, format=F.BGRX32).tight() == b"\xff\xff\xff\0"


def test_streams_of_24_bits_become_32() -> None:
    rows = imagegen.to_rgb24(PICTURE)
    wanted = np.dstack([rows, np.zeros((12, 20), np.uint8)]).tobytes()
    for type, encode in ((QUIC, quic.encode), (LZ_RGB, lz.encode)):
        image = spice_image.decode(type, encode(rows, 20, 12, 60, F.BGR24), 20, 12)
        assert image.format is F.BGRX32
        assert image.tight() == wanted


def test_streams_belong_to_their_type_of_image() -> None:
    colours, indices = STREAMS[LZ_RGB][0], STREAMS[LZ_PLT][0]
    alpha = lz.encode(PICTURE, 20, 12, 80, F.BGRA32, alpha_only=True)
    with pytest.raises(CodecError, match="LZ type 8 in an image of another type at offset 8"):
        spice_image.decode(LZ_PLT, colours, 20, 12, palette=[0])
    for stream in (indices, alpha):
        with pytest.raises(CodecError, match="in an image of another type at offset 8"):
            spice_image.decode(LZ_RGB, stream, 20, 12, palette=[0])
    gray = quic.encode(imagegen.to_gray(PICTURE), 20, 12, 20, F.GRAY8)
    with pytest.raises(CodecError, match="GRAY8, which viewers do not show"):
        spice_image.decode(QUIC, gray, 20, 12)


def test_indices_need_a_palette() -> None:
    with pytest.raises(CodecError, match="PLT8 without a palette"):
        spice_image.decode(LZ_PLT, STREAMS[LZ_PLT][0], 20, 12)
    with pytest.raises(CodecError, match="PLT8 without a palette"):
        spice_image.decode(BITMAP, b"\0", 1, 1, bitmap_format=5, stride=1)


@pytest.mark.parametrize("depth", [16, 32])
@pytest.mark.parametrize("palette", [[], [0xFFFFFFFF] * 3, range(65535)])
def test_palettes_of_any_length_are_harmless(palette: Sequence[int], depth: int) -> None:
    data = bitmap.encode(imagegen.to_plt8(PICTURE), 20, 12, 20, F.PLT8)
    for type, stream in ((BITMAP, data), (LZ_PLT, STREAMS[LZ_PLT][0])):
        image = spice_image.decode(
            type, stream, 20, 12, bitmap_format=5, stride=20, palette=palette, depth=depth
        )
        assert image.array().shape[:2] == (12, 20)


@given(
    type=st.sampled_from(sorted(spice_image.DECODERS)),
    data=st.binary(max_size=80),
    cut=st.integers(0, 80),
    flags=st.integers(0, 7),
    number=st.integers(0, 11),
    size=st.integers(0, 100),
)
def test_any_bytes_decode_or_are_refused(
    type: int, data: bytes, cut: int, flags: int, number: int, size: int
) -> None:
    start = STREAMS[type][0]
    for stream in (data, start[:cut] + data + start[cut + len(data) :]):
        try:
            image = spice_image.decode(
                type,
                stream,
                20,
                12,
                bitmap_format=number,
                flags=flags,
                stride=size,
                palette=[0] * number,
                jpeg_size=size,
                glz_data_size=size,
                window=GlzWindow(),
            )
        except (CodecError, MissingImageError):
            continue
        assert (image.width, image.height) == (20, 12)
