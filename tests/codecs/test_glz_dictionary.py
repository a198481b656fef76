"""GLZ's dictionary: what it encodes decodes, is small, and stays within the window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec_vectors import Vector
from glz_streams import source_of, steps
from redspice.codecs import PixelFormat, glz_dictionary
from redspice.codecs.glz_dictionary import Dictionary
from redspice.codecs.glz_format import FORMATS, parse_header
from redspice.codecs.glz_window import GlzWindow

F = PixelFormat

# The vectors that were written by hand name no window.
LARGE_WINDOW = 1 << 22

PROFILE = settings(deadline=None, max_examples=150, derandomize=True, database=None)


def test_the_vectors_are_encoded_as_small_as_by_the_reference(glz_vector: Vector) -> None:
    dictionary = Dictionary(glz_vector["window_pixels"] or LARGE_WINDOW)
    window = GlzWindow()
    ours = theirs = 0
    for step in steps(glz_vector):
        stride = step.format.row_bytes(step["width"])
        data = dictionary.encode(
            step.source, *step.size, stride, step.format, top_down=step["top_down"]
        )
        image = window.decode(data)
        assert bytes(image.pixels) == step.pixels
        assert image.top_down == step["top_down"]
        header = parse_header(data)
        assert (header.id, header.id - header.head) == (step["id"], step["win_head_dist"])
        ours, theirs = ours + len(data), theirs + len(step.stream)
    assert ours <= 1.05 * theirs


class Picture(NamedTuple):
    """Arguments for `encode`."""

    pixels: bytes
    width: int
    height: int
    stride: int
    format: PixelFormat


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Few colours, so that there is something to refer to, and noise in the padding."""
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    format = draw(st.sampled_from([*FORMATS.values()]))
    padding = draw(st.integers(0, 3))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    colours = random.integers(0, 256, (draw(st.integers(1, 4)), format.bits // 8), np.uint8)
    rows = colours[random.integers(0, len(colours), (height, width))].reshape(height, -1)
    padded = np.hstack([rows, random.integers(0, 256, (height, padding), np.uint8)])
    return Picture(padded.tobytes(), width, height, padded.shape[1], format)


def decoded(source: Picture) -> bytes:
    """What a decoder must make of an encoder's source."""
    row_bytes = source.format.row_bytes(source.width)
    rows = b"".join(
        source.pixels[y * source.stride : y * source.stride + row_bytes]
        for y in range(source.height)
    )
    out = np.zeros((source.width * source.height, 4), np.uint8)
    if source.format is F.X1R5G5B5:
        values = np.frombuffer(rows, "<u2")
        for channel, shift in enumerate((0, 5, 10)):
            five = values >> shift & 31
            out[:, channel] = five << 3 | five >> 2
    else:
        coded = 4 if source.format is F.BGRA32 else 3
        out[:, :coded] = np.frombuffer(rows, np.uint8).reshape(len(out), -1)[:, :coded]
    return out.tobytes()


@PROFILE
@given(st.lists(pictures(), min_size=1, max_size=20), st.integers(97, 400), st.booleans())
def test_what_is_encoded_decodes_in_a_window_that_evicts(
    sources: list[Picture], window_pixels: int, top_down: bool
) -> None:
    dictionary, window = Dictionary(window_pixels), GlzWindow()
    sizes = []
    for source in sources:
        data = dictionary.encode(*source, top_down=top_down)
        image = window.decode(data)
        assert bytes(image.pixels) == decoded(source)
        assert (image.width, image.height) == (source.width, source.height)
        assert image.top_down == top_down
        sizes.append(source.width * source.height)
        assert sum(sizes[-len(window) :]) <= window_pixels


@pytest.mark.parametrize("wrap", [np.asarray, memoryview, bytearray, bytes])
def test_pixels_come_in_any_buffer(wrap: type) -> None:
    pixels = np.arange(4 * 60, dtype=np.uint8).reshape(6, 10, 4)
    data = Dictionary(1000).encode(wrap(pixels), 10, 6, 40, F.BGRA32)
    assert bytes(GlzWindow().decode(data).pixels) == pixels.tobytes()


def noise(count: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).integers(0, 256, count, np.uint8).tobytes()


def test_far_pixels_are_found() -> None:
    """Units from 2^12 and from 2^17 on take other forms of a reference."""
    dictionary, window = Dictionary(LARGE_WINDOW), GlzWindow()
    pixels = noise(4 * 512 * 300)
    window.decode(dictionary.encode(pixels, 512, 300, 2048, F.BGRA32))
    for line in (1, 7, 9, 255, 257, 299):
        row = pixels[2048 * line : 2048 * (line + 1)]
        data = dictionary.encode(row, 512, 1, 2048, F.BGRA32)
        assert len(data) < 80
        assert bytes(window.decode(data).pixels) == row


def test_distant_images_are_found() -> None:
    """Images from 64 and from 256 on take another byte of a reference."""
    dictionary, window = Dictionary(LARGE_WINDOW), GlzWindow()
    pixels = [noise(160, seed) for seed in range(600)]
    for each in pixels:
        window.decode(dictionary.encode(each, 8, 5, 32, F.BGRA32))
    for wanted in (599, 550, 400, 100, 1):
        data = dictionary.encode(pixels[wanted], 8, 5, 32, F.BGRA32)
        assert len(data) < 60
        assert bytes(window.decode(data).pixels) == pixels[wanted]


def test_images_of_other_types_are_not_referred_to() -> None:
    dictionary, window = Dictionary(1000), GlzWindow()
    pixels = noise(400)
    window.decode(dictionary.encode(pixels, 10, 10, 40, F.BGRX32))
    data = dictionary.encode(source_of(pixels, F.BGR24), 10, 10, 30, F.BGR24)
    assert len(data) > 300
    image = window.decode(data)
    assert source_of(bytes(image.pixels), F.BGR24) == source_of(pixels, F.BGR24)


def test_tables_bound_the_images_of_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glz_dictionary, "MAX_IMAGES", 8)
    dictionary, window = Dictionary(LARGE_WINDOW), GlzWindow()
    for number in range(40):
        pixels = noise(40, number % 5)
        data = dictionary.encode(pixels, 5, 2, 20, F.BGRA32)
        assert parse_header(data).id - parse_header(data).head <= 6
        assert bytes(window.decode(data).pixels) == pixels
    assert len(window) == 7


def test_what_a_dictionary_refuses() -> None:
    dictionary = Dictionary(100)
    assert dictionary.fits(11, 9)
    assert not dictionary.fits(10, 10)
    with pytest.raises(ValueError, match="10x10 pixels for a window of 100"):
        dictionary.encode(bytes(400), 10, 10, 40, F.BGRX32)
    with pytest.raises(ValueError, match="GLZ does not code PLT8"):
        dictionary.encode(bytes(4), 2, 2, 2, F.PLT8)
    with pytest.raises(ValueError, match="7 bytes of pixels, 8 wanted"):
        dictionary.encode(bytes(7), 1, 2, 4, F.BGRX32)
    with pytest.raises(ValueError, match="an image of -1x1 pixels"):
        dictionary.encode(bytes(7), -1, 1, 4, F.BGRX32)
    with pytest.raises(ValueError, match="a window of"):
        Dictionary((1 << 25) + 1)
    for next_id in (-1, 1 << 62):
        with pytest.raises(ValueError, match="a first id of"):
            Dictionary(100, next_id=next_id)
    assert dictionary.next_id == 0
    assert not Dictionary(0).fits(1, 1)


def test_nothing_fits_a_closed_dictionary() -> None:
    """What a thread is about to encode is encoded all the same."""
    dictionary = Dictionary(100)
    assert dictionary.fits(5, 5)
    dictionary.close()
    assert not dictionary.fits(5, 5)
    data = dictionary.encode(bytes(100), 5, 5, 20, F.BGRX32)
    assert GlzWindow().decode(data).tight() == bytes(100)


def test_ids_continue_those_of_another_server() -> None:
    dictionary = Dictionary(100, next_id=70_000)
    window = GlzWindow(next_id=70_000)
    for number in range(5):
        data = dictionary.encode(4 * bytes(30), 10, 3, 40, F.BGRX32)
        header = parse_header(data)
        assert (header.id, header.head) == (70_000 + number, 70_000 + max(0, number - 2))
        window.decode(data)
    assert dictionary.next_id == 70_005


def test_threads_share_a_dictionary() -> None:
    dictionary, window = Dictionary(20_000), GlzWindow()
    pixels = [noise(4 * 40 * 30, number % 7) for number in range(64)]

    def encode(source: bytes) -> bytes:
        return dictionary.encode(source, 40, 30, 160, F.BGRA32)

    with ThreadPoolExecutor(4) as pool:
        streams = list(pool.map(encode, pixels))
    order = sorted(range(64), key=lambda k: parse_header(streams[k]).id)
    for number, k in enumerate(order):
        assert parse_header(streams[k]).id == number
        assert bytes(window.decode(streams[k]).pixels) == pixels[k]
