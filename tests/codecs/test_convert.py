"""Conversions of pixel formats: what each byte becomes, row order, strides, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from redspice.codecs import Image, PixelFormat
from redspice.codecs.convert import convert

F = PixelFormat

RED, GREEN, BLUE = 0xFF0000, 0x00FF00, 0x0000FF


def image(format: PixelFormat, width: int, height: int, data: bytes, **fields: object) -> Image:
    stride = fields.pop("stride", None) or format.row_bytes(width)
    return Image(format, width, height, stride, memoryview(bytearray(data)), **fields)


@pytest.mark.parametrize(
    ("source", "to", "before", "after"),
    [
        (F.X1R5G5B5, F.BGRX32, "1f00 e003 0080 2104", "ff000000 00ff0000 00000000 08080800"),
        (F.GRAY8, F.BGRX32, "00 7f ff", "00000000 7f7f7f00 ffffff00"),
        (F.A8, F.BGRX32, "00 7f ff", "00000000 0000007f 000000ff"),
        (F.A8, F.BGRA32, "00 7f ff", "00000000 0000007f 000000ff"),
        (F.BGR24, F.BGRX32, "010203 040506", "01020300 04050600"),
        (F.BGRX32, F.BGR24, "010203ff 04050607", "010203 040506"),
        (F.BGRX32, F.BGRA32, "010203ff 04050607", "010203ff 04050607"),
        (F.BGRA32, F.BGRX32, "010203ff 04050607", "010203ff 04050607"),
    ],
)  # fmt: skip
def test_bytes_of_each_pair(source: PixelFormat, to: PixelFormat, before: str, after: str) -> None:
    data = bytes.fromhex(before)
    result = convert(image(source, len(data) * 8 // source.bits, 1, data), to)
    assert result.format is to
    assert bytes(result.pixels) == bytes.fromhex(after)


def test_five_bit_components_widen_to_the_whole_range() -> None:
    colours = np.arange(1 << 16, dtype="<u2")
    wide = convert(image(F.X1R5G5B5, 256, 256, colours.tobytes()), F.BGRX32).array()
    for channel, shift in enumerate((0, 5, 10)):
        component = (colours.astype(int) >> shift) & 31
        expected = component * 8 + component // 4
        assert (wide[..., channel].ravel() == expected).all()
    assert not wide[..., 3].any()


@pytest.mark.parametrize(
    ("format", "packed", "palette", "indices"),
    [
        (F.PLT1_LE, "a1", [RED, BLUE], [1, 0, 0, 0, 0, 1, 0, 1]),
        (F.PLT1_BE, "a1", [RED, BLUE], [1, 0, 1, 0, 0, 0, 0, 1]),
        (F.PLT4_LE, "21 43", [7, 8, 9, 10, 11], [1, 2, 3, 4]),
        (F.PLT4_BE, "21 43", [7, 8, 9, 10, 11], [2, 1, 4, 3]),
        (F.PLT8, "00 ff 03", list(range(1000, 1256)), [0, 255, 3]),
    ],
)
def test_indices_become_entries(
    format: PixelFormat, packed: str, palette: list[int], indices: list[int]
) -> None:
    result = convert(
        image(format, len(indices), 1, bytes.fromhex(packed), palette=palette), F.BGRX32
    )
    assert np.frombuffer(result.pixels, "<u4").tolist() == [palette[i] for i in indices]


@pytest.mark.parametrize(
    ("format", "packed", "palette", "entries"),
    [
        (F.PLT8, "00 01 ff", [RED], [RED, 0, 0]),
        (F.PLT4_BE, "0123", [RED, GREEN, BLUE], [RED, GREEN, BLUE, RED]),
        (F.PLT1_BE, "40", [RED], [RED, 0, RED, RED, RED, RED, RED, RED]),
        (F.PLT8, "05", [], [0]),
        (F.PLT4_LE, "05", [], [0, 0]),
        (F.PLT1_LE, "01", [RED, GREEN, BLUE], [GREEN] + [RED] * 7),
    ],
)
def test_indices_outside_the_palette(
    format: PixelFormat, packed: str, palette: list[int], entries: list[int]
) -> None:
    result = convert(
        image(format, len(entries), 1, bytes.fromhex(packed), palette=palette), F.BGRX32
    )
    assert np.frombuffer(result.pixels, "<u4").tolist() == entries


def test_padding_pixels_of_packed_rows_are_expanded() -> None:
    source = image(F.PLT4_BE, 3, 2, bytes.fromhex("0123 ff 3210 ff"), palette=range(16), stride=3)
    result = convert(source, F.BGRX32)
    assert (result.width, result.stride) == (3, 16)
    assert np.frombuffer(result.pixels, "<u4").tolist() == [0, 1, 2, 3, 3, 2, 1, 0]
    assert result.array().shape == (2, 3, 4)


def test_a_given_stride_cuts_the_padding_pixels() -> None:
    source = image(F.PLT4_BE, 3, 2, bytes.fromhex("0123 3210"), palette=range(16))
    result = convert(source, F.BGRX32, stride=12)
    assert np.frombuffer(result.pixels, "<u4").tolist() == [0, 1, 2, 3, 2, 1]


@pytest.mark.parametrize("top_down", [True, False])
@pytest.mark.parametrize("format", [F.BGR24, F.BGRX32])
def test_a_buffer_with_its_own_stride_keeps_row_order_and_padding(
    format: PixelFormat, top_down: bool
) -> None:
    source = image(F.BGRX32, 2, 2, bytes(range(16)), top_down=top_down)
    buffer = bytearray(b"\xee" * 22)
    result = convert(source, format, into=buffer, stride=11)
    row = format.row_bytes(2)
    assert result.top_down is top_down
    assert bytes(buffer[:3]) == bytes(range(3))
    assert buffer[11:14] == bytes(range(8, 11))
    assert buffer[row:11] == buffer[11 + row :] == b"\xee" * (11 - row)


def test_the_same_format_is_the_same_image() -> None:
    source = image(F.BGR24, 1, 1, b"abc")
    assert convert(source, F.BGR24) is source


def test_a_copy_in_the_same_format_keeps_the_palette() -> None:
    source = image(F.PLT8, 1, 2, b"ab", palette=[RED])
    result = convert(source, F.PLT8, stride=3)
    assert (result.tight(), result.palette, result.stride) == (b"ab", [RED], 3)


def test_a_pair_without_meaning_is_refused() -> None:
    with pytest.raises(ValueError, match="no conversion of BGRX32 to PLT8"):
        convert(image(F.BGRX32, 1, 1, bytes(4)), F.PLT8)


def test_a_palette_format_without_palette_is_refused() -> None:
    with pytest.raises(ValueError, match="PLT8 without a palette"):
        convert(image(F.PLT8, 1, 1, b"a"), F.BGRX32)


def test_a_buffer_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="a buffer of 7 bytes, 8 wanted"):
        convert(image(F.BGR24, 2, 1, b"abcdef"), F.BGRX32, into=bytearray(7))


@pytest.mark.parametrize("format", [F.GRAY8, F.X1R5G5B5, F.BGR24, F.BGRX32])
@pytest.mark.parametrize("top_down", [True, False])
def test_an_array_shares_the_memory_of_rows_with_padding(
    format: PixelFormat, top_down: bool
) -> None:
    row_bytes = format.row_bytes(3)
    stride = row_bytes + 5
    picture = image(format, 3, 2, bytes(2 * stride), stride=stride, top_down=top_down)
    picture.array()[0] = 255
    rows = [bytes(picture.pixels[start : start + stride]) for start in (0, stride)]
    first = b"\xff" * row_bytes + bytes(5)
    if format is F.X1R5G5B5:
        first = b"\xff\x00" * 3 + bytes(5)
    assert rows == [first, bytes(stride)][:: 1 if top_down else -1]
