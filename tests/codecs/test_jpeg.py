"""JPEG and JPEG_ALPHA: what viewers show, and what is refused."""

import io
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

import imagegen
from codec_vectors import DIRECTORY, Vector, read
from redspice.codecs import CodecError, PixelFormat, jpeg, lz
from redspice.codecs.image import Image

F = PixelFormat
COLOURS = [v for v in read(DIRECTORY, "image") if v["image_type"] == "JPEG"]
ALPHA = [v for v in read(DIRECTORY, "image") if v["image_type"] == "JPEG_ALPHA"]

#: Cuts tried on one stream: every one of them near its ends.
MOST_CUTS = 300
#: Mean difference of a component that the best quality leaves at most, and bits that 16 lack.
LOSS = 1.5
LOSS_OF_16_BITS = 4


def decode(vector: Vector, data: bytes | None = None) -> Image:
    stream = vector.stream if data is None else data
    width, height = vector["width"], vector["height"]
    if vector["image_type"] == "JPEG":
        return jpeg.decode(stream, width, height)
    size = min(vector["jpeg_size"], len(stream))
    return jpeg.decode_alpha(stream, size, width, height, top_down=vector["top_down"])


def outcome(vector: Vector, data: bytes) -> Image | CodecError:
    try:
        return decode(vector, data)
    except CodecError as error:
        return error


@pytest.mark.parametrize("vector", COLOURS + ALPHA, ids=str)
def test_the_reference_decoder_agrees_to_the_bit(vector: Vector) -> None:
    image = decode(vector)
    (output,) = vector.outputs
    assert image.format.name == output.format
    assert image.top_down
    assert image.tight() == output.pixels()


@pytest.mark.parametrize("vector", COLOURS[:1] + ALPHA[:1], ids=str)
def test_every_cut_is_noticed(vector: Vector) -> None:
    stream = vector.stream
    for cut in np.unique(np.linspace(0, len(stream) - 1, MOST_CUTS, dtype=int)).tolist():
        result = outcome(vector, stream[:cut])
        assert isinstance(result, CodecError), cut
        assert 0 <= result.offset <= cut


@pytest.mark.parametrize("vector", COLOURS[:1] + ALPHA[:1], ids=str)
def test_flipped_bits_are_refused_or_give_a_picture(vector: Vector) -> None:
    stream = vector.stream
    refused = 0
    for at in range(0, len(stream), 3):
        broken = bytearray(stream)
        broken[at] ^= 1 << at % 8
        result = outcome(vector, bytes(broken))
        if isinstance(result, CodecError):
            refused += 1
            assert 0 <= result.offset <= len(stream)
        else:
            assert (result.width, result.height) == (vector["width"], vector["height"])
    assert refused > 50


# what costs more than its bytes

STREAM = jpeg.encode(imagegen.photo(40, 24, 1), 40, 24, 160, F.BGRX32)
FRAME = STREAM.index(b"\xff\xc0")
SCAN = STREAM.index(b"\xff\xda")


def with_size(width: int, height: int) -> bytes:
    return STREAM[: FRAME + 5] + struct.pack(">HH", height, width) + STREAM[FRAME + 9 :]


def saved(**options: object) -> bytes:
    picture = PillowImage.fromarray(imagegen.photo(40, 24, 1)[..., 2::-1].copy())
    out = io.BytesIO()
    picture.save(out, "JPEG", **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"", "not a JPEG at offset 0"),
        (b"GIF89a", "not a JPEG at offset 0"),
        (b"\xff\xd8\xff\xd9", "a JPEG without a picture at offset 4"),
        (b"\xff\xd8__", "a marker is wanted at offset 2"),
        (b"\xff\xd8\xff\xc0\0", "the length of a JPEG segment is cut at offset 5"),
        (b"\xff\xd8\xff\xc0\0\x01", "a JPEG segment of 1 bytes, 2 left at offset 4"),
        (b"\xff\xd8\xff\xc0\0\x04__", "a JPEG frame of 4 bytes at offset 4"),
        (STREAM[:-2], f"a JPEG without an end at offset {len(STREAM) - 2}"),
        (STREAM[:FRAME] + STREAM[FRAME + 19 :], "a JPEG without a picture"),
        (STREAM[: FRAME + 19] + STREAM[FRAME:], f"frame c0 of a JPEG at offset {FRAME + 21}"),
        (STREAM[:-2] + STREAM[SCAN:-2] * 3 + STREAM[-2:], "a JPEG of more than 3 scans"),
        (with_size(0, 24), "an image of 0x24 pixels"),
        (with_size(65535, 65535), "65535x65535 pixels, 67108864 allowed"),
        (saved(progressive=True), "frame c2 of a JPEG"),
    ],
)
def test_other_streams_are_refused(stream: bytes, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        jpeg.decode(stream)


def test_pictures_for_print_are_refused() -> None:
    out = io.BytesIO()
    PillowImage.new("CMYK", (8, 8)).save(out, "JPEG")
    with pytest.raises(CodecError, match="a JPEG of 4 components of 8 bits"):
        jpeg.decode(out.getvalue())


def test_the_size_must_be_that_of_the_descriptor() -> None:
    assert jpeg.decode(STREAM, 40, 24).width == 40
    for width, height in ((24, 40), (41, 24), (40, 23), (0, 0)):
        with pytest.raises(CodecError, match=f"40x24 pixels, {width}x{height} wanted"):
            jpeg.decode(STREAM, width, height)
    with pytest.raises(CodecError, match="40x24 pixels, 959 allowed"):
        jpeg.decode(STREAM, max_pixels=959)


def test_other_ways_to_code_the_colours_are_decoded() -> None:
    decoded = jpeg.decode(saved(subsampling=0, restart_marker_rows=1))
    assert (decoded.width, decoded.height) == (40, 24)
    out = io.BytesIO()
    PillowImage.new("L", (8, 8), 77).save(out, "JPEG")
    assert jpeg.decode(out.getvalue()).tight() == b"\x4d\x4d\x4d\0" * 64


def test_a_buffer_of_the_caller_takes_rows_at_its_stride() -> None:
    wanted = jpeg.decode(STREAM).tight()
    for stride in (160, 164, 177):
        buffer = bytearray(b"\xaa" * 24 * stride)
        image = jpeg.decode(STREAM, into=buffer, stride=stride)
        assert image.tight() == wanted
        assert buffer[:160] == wanted[:160]
    with pytest.raises(ValueError, match="3839 bytes, 3840 wanted"):
        jpeg.decode(STREAM, into=bytearray(3839))


def test_what_fills_up_a_scan_takes_no_memory() -> None:
    scan = STREAM.index(b"\xff\xda") + 14
    fill = b"\xff" * 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(CodecError, match="a JPEG without an end"):
            jpeg.decode(memoryview(STREAM[:scan] + fill))
        assert tracemalloc.get_traced_memory()[1] < 3 * len(fill)
    finally:
        tracemalloc.stop()


# encoding


def test_a_stream_is_what_servers_send() -> None:
    picture = PillowImage.open(io.BytesIO(STREAM))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (40, 24))
    assert "progressive" not in picture.info
    assert [component[1:3] for component in picture.layer] == [(2, 2), (1, 1), (1, 1)]


SOURCES = {
    F.X1R5G5B5: imagegen.to_rgb16,
    F.BGR24: imagegen.to_rgb24,
    F.BGRX32: imagegen.to_bgrx,
    F.BGRA32: imagegen.to_bgrx,
}


@given(
    format=st.sampled_from(sorted(SOURCES, key=lambda format: format.name)),
    width=st.integers(1, 50),
    height=st.integers(1, 40),
    padding=st.integers(0, 9),
    top_down=st.booleans(),
)
def test_pictures_come_back_nearly_the_same(
    format: PixelFormat, width: int, height: int, padding: int, top_down: bool
) -> None:
    picture = imagegen.photo(width, height, 3)
    picture[..., :3] = picture[..., 1:2]  # colours have half of the resolution
    rows = SOURCES[format](picture).reshape(height, -1).view(np.uint8)
    padded = np.full((height, rows.shape[1] + padding), 255, np.uint8)
    padded[:, : rows.shape[1]] = rows if top_down else rows[::-1]
    stride = padded.shape[1]
    stream = jpeg.encode(padded, width, height, stride, format, top_down=top_down, quality=100)
    decoded = jpeg.decode(stream, width, height).array()
    difference = np.abs(decoded[..., :3].astype(int) - picture[..., :3])
    assert difference.mean() <= LOSS + LOSS_OF_16_BITS * (format is F.X1R5G5B5)
    assert not decoded[..., 3].any()


def test_quality_costs_bytes() -> None:
    picture = imagegen.photo(64, 64, 1)
    sizes = [len(jpeg.encode(picture, 64, 64, 256, F.BGRX32, quality=q)) for q in (1, 50, 85, 100)]
    assert sizes == sorted(sizes)
    assert len(jpeg.encode(picture, 64, 64, 256, F.BGRX32)) == sizes[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((8, 8, 32, F.BGRX32, 0), "a quality of 0, 1 to 100 wanted"),
        ((8, 8, 32, F.BGRX32, 101), "a quality of 101"),
        ((8, 8, 8, F.A8, 85), "JPEG cannot code A8"),
        ((8, 8, 8, F.PLT8, 85), "JPEG cannot code PLT8"),
        ((70000, 1, 280000, F.BGRX32, 85), "JPEG has sides of 65500 at most"),
        ((8, 9, 32, F.BGRX32, 85), "256 bytes of pixels, 288 wanted"),
    ],
)
def test_what_cannot_be_encoded_is_refused(
    arguments: tuple[int, int, int, PixelFormat, int], message: str
) -> None:
    *layout, quality = arguments
    with pytest.raises(ValueError, match=message):
        jpeg.encode(bytes(256), *layout, quality=quality)


# alpha


@pytest.mark.parametrize("top_down", [True, False])
@pytest.mark.parametrize("padding", [0, 5])
def test_alpha_comes_back_exactly(top_down: bool, padding: int) -> None:
    picture = imagegen.photo(33, 20, 4)
    rows = np.zeros((20, 132 + padding), np.uint8)
    rows[:, :132] = (picture if top_down else picture[::-1]).reshape(20, 132)
    data, jpeg_size = jpeg.encode_alpha(rows, 33, 20, 132 + padding, top_down=top_down)
    image = jpeg.decode_alpha(data, jpeg_size, 33, 20, top_down=top_down)
    assert image.format is F.BGRA32
    assert np.array_equal(image.array()[..., 3], picture[..., 3])
    colours = jpeg.decode(data[:jpeg_size])
    assert np.array_equal(image.array()[..., :3], colours.array()[..., :3])


def test_alpha_must_fit_the_colours() -> None:
    picture = imagegen.photo(16, 16, 4)
    data, jpeg_size = jpeg.encode_alpha(picture, 16, 16, 64)
    with pytest.raises(CodecError, match="rows in another order than the image"):
        jpeg.decode_alpha(data, jpeg_size, top_down=False)
    assert jpeg.decode_alpha(data, jpeg_size).width == 16
    colours = data[:jpeg_size]
    other = lz.encode(picture, 8, 16, 64, F.BGRA32, alpha_only=True)
    with pytest.raises(CodecError, match="alpha: ") as caught:
        jpeg.decode_alpha(colours + other, jpeg_size)
    assert caught.value.offset >= jpeg_size
    whole = lz.encode(picture, 16, 16, 64, F.BGRA32)
    with pytest.raises(CodecError, match="alpha: ") as caught:
        jpeg.decode_alpha(colours + whole, jpeg_size)
    assert caught.value.offset >= jpeg_size


@pytest.mark.parametrize("jpeg_size", [-1, 0, 1, 10**9])
def test_a_wrong_size_of_the_colours_is_refused(jpeg_size: int) -> None:
    data, _ = jpeg.encode_alpha(imagegen.photo(16, 16, 4), 16, 16, 64)
    with pytest.raises(CodecError):
        jpeg.decode_alpha(data, jpeg_size)


def test_pictures_without_a_fourth_byte_have_no_alpha() -> None:
    with pytest.raises(ValueError, match="BGR24 has no alpha"):
        jpeg.encode_alpha(bytes(12), 2, 2, 6, F.BGR24)


@given(data=st.binary(max_size=60), cut=st.integers(0, 60), size=st.integers(0, 120))
def test_any_bytes_decode_or_are_refused(data: bytes, cut: int, size: int) -> None:
    for stream in (data, b"\xff\xd8" + data, STREAM[:cut] + data + STREAM[cut + len(data) :]):
        try:
            jpeg.decode_alpha(stream, min(size, len(stream)))
        except CodecError as error:
            offset = error.offset
        assert 0 <= offset <= len(stream)  # none has an alpha stream, so none is decoded
