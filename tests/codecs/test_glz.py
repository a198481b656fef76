"""GLZ streams: the vectors, tokens written by hand, and what is refused."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec_vectors import Vector
from glz_streams import RGB16, RGB24, RGB32, RGBA, Step, colours, literals, steps, stream
from redspice.codecs import CodecError, PixelFormat, glz, glz_pack
from redspice.codecs.glz_format import HEADER_SIZE, parse_header
from redspice.codecs.glz_window import GlzWindow

F = PixelFormat

# Of each vector so many images are cut and damaged, at so many places picked by chance, or at one
# if they have more bytes of pixels: plain Python needs a tenth of a second for each.
DAMAGED_IMAGES = 16
DAMAGED_PLACES = 12
LARGE = 1 << 16

PROFILE = settings(deadline=None, max_examples=150, derandomize=True, database=None)


def decode(*streams: bytes) -> bytes:
    """The pixels of the last of the streams."""
    window = GlzWindow()
    for each in streams:
        image = window.decode(each)
    return bytes(image.pixels)


def test_both_loops_are_compiled_or_none() -> None:
    assert glz.COMPILED == glz_pack.COMPILED


def test_a_vector_decodes_exactly(glz_vector: Vector) -> None:
    window = GlzWindow()
    for step in steps(glz_vector):
        image = window.decode(step.stream)
        assert bytes(image.pixels) == step.pixels
        assert (image.width, image.height, image.stride) == (*step.size, step["stride"])
        assert (image.format, image.top_down) == (PixelFormat[step["format"]], step["top_down"])


def test_a_header_says_what_the_vector_says(glz_vector: Vector) -> None:
    for step in steps(glz_vector):
        header = parse_header(step.stream)
        assert (header.format, header.width, header.height) == (step.format, *step.size)
        assert (header.id, header.id - header.head) == (step["id"], step["win_head_dist"])
        assert header.pack() == step.stream[:HEADER_SIZE]


def test_the_example_of_two_equal_images() -> None:
    pixels = b"".join(bytes([3 * k, 5 * k, 7]) for k in range(12))
    first = stream(literals(pixels), 12)
    tokens = "01 000007 030507  E2 01 00 01  01 1E3207 213707"
    assert decode(first, stream(tokens, 12, id=1)) == decode(first)


LITERALS = "03 010203 040506 070809 0A0B0C"
FOUR = bytes.fromhex("01020300 04050600 07080900 0A0B0C00")


@pytest.mark.parametrize(
    ("tokens", "width", "type", "expected"),
    [
        (LITERALS, 4, RGB32, FOUR),
        (LITERALS, 4, RGB24, FOUR),
        ("00 010203 60 00 00", 4, RGB32, 4 * FOUR[:4]),
        ("01 010203 040506 41 00 00", 4, RGB32, 2 * FOUR[:8]),
        # Far, though it need not be; then with the third byte of the pixel, and image bytes of 0.
        ("01 010203 040506 51 00 00", 4, RGB32, 2 * FOUR[:8]),
        ("01 010203 040506 51 00 20 00", 4, RGB32, 2 * FOUR[:8]),
        ("01 010203 040506 51 00 E0 00 00 00 00", 4, RGB32, 2 * FOUR[:8]),
        ("01 010203 040506 41 00 C0 00 00 00", 4, RGB32, 2 * FOUR[:8]),
        # Lengths with bytes of their own: 7 + 0, and 7 + 255 + 255 + 3.
        ("00 010203 E0 00 00 00", 8, RGB32, 8 * FOUR[:4]),
        ("00 010203 E0 FF FF 03 00 00", 521, RGB32, 521 * FOUR[:4]),
        # Five bits a component; lengths are one more than they say.
        ("01 7C00 83E0 20 00 00", 4, RGB16, bytes.fromhex("0000FF00" + 3 * "00FF0000")),
        ("00 8421 20 00 00", 3, RGB16, bytes.fromhex(3 * "08080800")),
        # The alpha pass: lengths are two more than they say.
        ("00 010203 60 00 00  00 80 20 00 00", 4, RGBA, bytes.fromhex(4 * "01020380")),
    ],
)
def test_tokens(tokens: str, width: int, type: int, expected: bytes) -> None:
    assert decode(stream(tokens, width, type=type)) == expected


TWELVE = literals(colours(12))


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ("A3 00 01  C0 00 01  20 00 00", [3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 5]),
        ("E0 05 00 01", range(12)),
        ("E0 05 00 41 00", range(12)),
        ("E0 05 00 C1 00 00 00", range(12)),
        ("F0 05 00 40 01", range(12)),
        ("F0 05 00 C0 01 00 00", range(12)),
        ("F0 05 00 60 01 00", range(12)),
    ],
)
def test_references_to_another_image(tokens: str, expected: list[int]) -> None:
    pixels = decode(stream(TWELVE, 12), stream(tokens, 12, id=1))
    assert list(pixels[2::4]) == list(expected)


def test_references_to_an_image_of_another_type_take_what_the_pass_codes() -> None:
    with_alpha = stream("00 010203 60 00 00  00 80 20 00 00", 4, type=RGBA)
    assert decode(with_alpha, stream("80 00 01", 4, id=1)) == bytes.fromhex(4 * "01020300")
    tokens = "00 040506 60 00 00  40 00 01"
    copied = stream(tokens, 4, type=RGBA, id=1)
    assert decode(with_alpha, copied) == bytes.fromhex(4 * "04050680")


@pytest.mark.parametrize(
    ("tokens", "reason", "offset"),
    [
        ("", "the stream ends", 33),
        ("01 010203 0405", "the stream ends", 33),
        ("00 010203", "the stream ends", 37),
        ("00 010203 20", "the stream ends", 37),
        ("00 010203 20 00", "the stream ends", 37),
        ("00 010203 E0", "the stream ends", 37),
        ("00 010203 E0 FF", "the stream ends", 37),
        ("00 010203 20 00 41", "the stream ends", 37),
        ("00 010203 30 00 60 01", "the stream ends", 37),
        ("04 " + 5 * "010203", "more pixels", 33),
        ("00 010203 80 00 00", "more pixels", 37),
        ("00 010203 E0" + 40 * "FF" + "00 00 00", "more pixels", 37),
        ("20 00 00", "before the first pixel", 33),
        ("00 010203 21 00 00", "before the first pixel", 37),
        ("00 010203 30 00 3F FF", "before the first pixel", 37),
        ("00 010203 20 00 02", "outside the window", 37),
        ("00 010203 20 00 FF FF FF FF", "outside the window", 37),
        ("00 010203 2A 00 01", "beyond the end", 37),
        ("00 010203 6F FF 01", "beyond the end", 37),
        ("03 010203 040506 070809 0A0B0C 00", "1 bytes behind", 46),
    ],
)
def test_bad_tokens(tokens: str, reason: str, offset: int) -> None:
    window = GlzWindow()
    window.decode(stream(literals(colours(10)), 10))
    with pytest.raises(CodecError, match=reason) as failure:
        window.decode(stream(tokens, 4, id=1))
    assert failure.value.offset == offset
    assert len(window) == 1


@pytest.mark.parametrize(
    ("at", "value", "reason", "offset"),
    [
        (0, "21", "not a GLZ stream", 0),
        (7, "02", "not a GLZ stream", 0),
        (8, "15", "type 0x15", 8),
        (8, "1A", "type 0x1a", 8),
        (8, "38", "type 0x38", 8),
        (9, "00000000", "an image of 0x1 pixels", 9),
        (13, "00000000", "an image of 4x0 pixels", 9),
        (9, "04000001 00000001", "67108864 allowed", 9),
        (9, "FFFFFFFF FFFFFFFF", "67108864 allowed", 9),
        (17, "00000011", "a stride of 17 bytes", 17),
        (29, "00000001", "image 0 may refer to 1 earlier ones", 29),
    ],
)
def test_bad_headers(at: int, value: str, reason: str, offset: int) -> None:
    data = bytearray(stream(LITERALS, 4))
    changed = bytes.fromhex(value)
    data[at : at + len(changed)] = changed
    with pytest.raises(CodecError, match=reason) as failure:
        GlzWindow().decode(data)
    assert failure.value.offset == offset


@pytest.mark.parametrize("size", range(HEADER_SIZE))
def test_a_header_that_is_cut(size: int) -> None:
    with pytest.raises(CodecError, match=f"{size} bytes, a header has 33"):
        GlzWindow().decode(stream(LITERALS, 4)[:size])


def test_a_size_above_the_limit_is_refused_before_memory_is_asked_for() -> None:
    data = stream(LITERALS, 1 << 16, 1 << 10)
    tracemalloc.start()
    with pytest.raises(CodecError, match="67107840 allowed"):
        GlzWindow().decode(data, max_pixels=(1 << 26) - 1024)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def some_places(window: GlzWindow, images: Sequence[Step]) -> Iterator[tuple[Step, list[int]]]:
    """Some images to damage, and where; the window has what comes before."""
    chance = random.Random(1)
    chosen = set(chance.sample(range(len(images)), min(len(images), DAMAGED_IMAGES)))
    for number, step in enumerate(images):
        if number in chosen:
            places = DAMAGED_PLACES if len(step.pixels) < LARGE else 1
            yield step, [chance.randrange(HEADER_SIZE, len(step.stream)) for _ in range(places)]
        if step["id"] not in window:
            window.decode(step.stream)


def test_every_truncation_is_refused(glz_vector: Vector) -> None:
    window = GlzWindow()
    for step, places in some_places(window, steps(glz_vector)):
        kept = len(window)
        for size in [*places, len(step.stream) - 1]:
            with pytest.raises(CodecError):
                window.decode(step.stream[:size])
        assert len(window) == kept


def test_every_flipped_bit_is_refused_or_gives_an_image(glz_vector: Vector) -> None:
    window = GlzWindow()
    for step, places in some_places(window, steps(glz_vector)):
        for place in places:
            flipped = bytearray(step.stream)
            flipped[place] ^= 1 << place % 8
            try:
                image = window.decode(flipped)
            except CodecError:
                assert step["id"] not in window
            else:
                assert len(image.pixels) == len(step.pixels)
                break


@PROFILE
@given(st.binary(max_size=200), st.sampled_from([RGB16, RGB24, RGB32, RGBA]))
def test_any_tokens_are_refused_or_give_an_image(tokens: bytes, type: int) -> None:
    window = GlzWindow()
    window.decode(stream(TWELVE, 12))
    try:
        image = window.decode(stream(tokens, 5, 4, type=type, id=1))
    except CodecError:
        assert len(window) == 1
    else:
        assert len(image.pixels) == 80
