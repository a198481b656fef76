"""GLZ's window: images that wait for others, what is released when, and what it refuses."""

from __future__ import annotations

import pickle
import random
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from codec_vectors import DIRECTORY, read
from glz_streams import RGBA, colours, literals, steps, stream
from redspice.codecs import CodecError, PixelFormat
from redspice.codecs.errors import MissingImageError
from redspice.codecs.glz_dictionary import Dictionary
from redspice.codecs.glz_format import parse_header
from redspice.codecs.glz_window import IMAGE_COST, MAX_SPAN, GlzWindow

FOUR = literals(colours(4))


def image(id: int, head: int = 0) -> bytes:
    """Four pixels that refer to nothing."""
    return stream(FOUR, 4, id=id, head=head)


def copy_of(other: int, id: int, head: int = 0) -> bytes:
    """Four pixels that are those of another image."""
    distance = id - other
    low = distance & 63 | (0x40 if distance > 63 else 0)
    more = bytes([distance >> 6]) if distance > 63 else b""
    return stream(bytes([0x80, 0, low]) + more, 4, id=id, head=head)


def kept(window: GlzWindow, ids: Sequence[int]) -> list[int]:
    return [id for id in ids if id in window]


def test_without_a_buffer_the_pixels_are_the_windows_own_and_read_only() -> None:
    window = GlzWindow()
    first = window.decode(image(0))
    assert first.pixels.readonly
    assert first.format is PixelFormat.BGRX32
    assert window.decode(copy_of(0, id=1)).tight() == first.tight()


def test_a_view_of_released_pixels_stays_what_it_was() -> None:
    window = GlzWindow()
    first = window.decode(image(0))
    before = bytes(first.pixels)
    for id in range(1, 20):
        window.decode(stream(literals(colours(4, 7 * id)), 4, id=id, head=id))
    assert 0 not in window
    assert bytes(first.pixels) == before


def test_into_a_buffer_with_rows_of_any_stride() -> None:
    window = GlzWindow()
    room = bytearray(b"\xff" * 40)
    data = stream(literals(colours(6)), 3, 2)
    picture = window.decode(data, into=room, stride=17)
    assert (picture.stride, picture.pixels.readonly) == (17, False)
    assert picture.tight() == GlzWindow().decode(data).tight()
    assert room[12:17] == b"\xff" * 5
    picture.pixels[:] = bytes(40)
    assert window.decode(stream("C0 00 01", 3, 2, id=1)).tight()[8:12] == b"\0\0\x02\0"


def test_a_buffer_that_is_too_small_changes_nothing() -> None:
    window = GlzWindow()
    with pytest.raises(ValueError, match="15 bytes, 16 wanted"):
        window.decode(image(0), into=bytearray(15))
    with pytest.raises(ValueError, match="cannot be written"):
        window.decode(image(0), into=bytes(16))
    assert len(window) == 0
    window.decode(image(0))


# Waiting


def test_an_image_waits_for_one_on_another_channel() -> None:
    window = GlzWindow()
    for id in range(4):
        window.decode(image(id))
    for _ in range(2):
        with pytest.raises(MissingImageError, match="image 4 has not been decoded") as missing:
            window.decode(copy_of(4, id=5))
        assert missing.value.id == 4
        assert len(window) == 4
    window.decode(image(4))
    assert window.decode(copy_of(4, id=5)).width == 4


def test_which_image_is_missing_reaches_other_processes() -> None:
    error = pickle.loads(pickle.dumps(MissingImageError(7)))
    assert (error.id, str(error)) == (7, "image 7 has not been decoded yet")


def test_an_image_that_refers_to_nothing_missing_does_not_wait() -> None:
    window = GlzWindow()
    window.decode(image(0))
    window.decode(copy_of(0, id=3))
    window.decode(copy_of(3, id=4))
    assert kept(window, range(6)) == [0, 3, 4]


def test_a_late_image_of_the_alpha_pass_waits_too() -> None:
    window = GlzWindow()
    tokens = literals(colours(4)) + bytes.fromhex("40 00 01")
    with pytest.raises(MissingImageError):
        window.decode(stream(tokens, 4, type=RGBA, id=1))
    window.decode(stream(literals(colours(4)) + literals(b"abcd", 1), 4, type=RGBA))
    assert bytes(window.decode(stream(tokens, 4, type=RGBA, id=1)).pixels)[3::4] == b"abcd"


# Releasing


def test_what_is_older_than_the_head_is_released() -> None:
    window = GlzWindow()
    for id, head in enumerate([0, 0, 0, 2, 2, 5]):
        window.decode(image(id, head))
        assert kept(window, range(10)) == list(range(head, id + 1))


def test_nothing_is_released_before_the_images_between_are_there() -> None:
    window = GlzWindow()
    for id, head in ((0, 0), (1, 0), (3, 3), (5, 4)):
        window.decode(image(id, head))
    assert kept(window, range(6)) == [0, 1, 3, 5]
    window.decode(copy_of(1, id=2, head=1))
    assert kept(window, range(6)) == [3, 5]
    window.decode(copy_of(3, id=4, head=3))
    assert kept(window, range(6)) == [4, 5]


def test_a_reference_to_what_was_released_is_refused() -> None:
    window = GlzWindow()
    window.decode(image(0))
    window.decode(image(1, head=1))
    with pytest.raises(CodecError, match="image 0, which is released at offset 33"):
        window.decode(copy_of(0, id=2))


def test_a_reference_to_before_the_head_is_refused() -> None:
    window = GlzWindow()
    window.decode(image(0))
    with pytest.raises(CodecError, match="outside the window"):
        window.decode(copy_of(0, id=2, head=1))


def test_a_head_that_goes_back_brings_nothing_back() -> None:
    window = GlzWindow()
    for id, head in ((0, 0), (1, 1), (2, 0), (3, 2)):
        window.decode(image(id, head))
    assert kept(window, range(4)) == [2, 3]


# What is refused


@pytest.mark.parametrize("id", [0, 1, 2, 4])
def test_an_image_that_came_before(id: int) -> None:
    window = GlzWindow()
    for each in (0, 1, 2, 4):
        window.decode(image(each, head=min(each, 2)))
    with pytest.raises(CodecError, match=f"image {id} came before at offset 21"):
        window.decode(image(id))


def test_an_image_too_far_ahead() -> None:
    window = GlzWindow()
    for id in (MAX_SPAN, (1 << 64) - 1):
        with pytest.raises(CodecError, match=f"image {id} while 0 is still kept"):
            window.decode(image(id, head=id))
    window.decode(image(MAX_SPAN - 1, head=MAX_SPAN - 1))
    assert kept(window, [MAX_SPAN - 1]) == [MAX_SPAN - 1]


def test_a_window_that_is_full() -> None:
    window = GlzWindow(window_pixels=1000)
    pixels = literals(colours(300))
    for id in range(2):
        window.decode(stream(pixels, 300, id=id))
    with pytest.raises(CodecError, match="300 pixels for a window that is full"):
        window.decode(stream(pixels, 300, id=2))
    window.decode(stream(FOUR, 4, id=2, head=2))
    window.decode(stream(pixels, 300, id=3, head=2))
    assert len(window) == 2


def test_small_images_fill_a_window_too() -> None:
    window = GlzWindow(window_pixels=3 * (4 + IMAGE_COST))
    for id in range(3):
        window.decode(image(id))
    with pytest.raises(CodecError, match="4 pixels for a window that is full"):
        window.decode(image(3))


# Other servers


def test_a_cleared_window_begins_with_the_ids_of_the_next_server() -> None:
    window = GlzWindow()
    for id in range(3):
        window.decode(image(id))
    window.clear(next_id=3)
    assert len(window) == 0
    with pytest.raises(CodecError, match="came before"):
        window.decode(image(2))
    window.decode(image(3, head=3))
    assert window.decode(copy_of(3, id=4, head=3)).width == 4


def test_a_window_that_does_not_know_the_first_id_takes_the_head_of_the_first_image() -> None:
    window = GlzWindow()
    window.clear()
    with pytest.raises(MissingImageError):
        window.decode(copy_of(1 << 40, id=(1 << 40) + 1, head=1 << 40))
    window.decode(image((1 << 40) + 2, head=1 << 40))
    window.decode(image(1 << 40, head=1 << 40))
    window.decode(copy_of(1 << 40, id=(1 << 40) + 1, head=1 << 40))
    assert len(window) == 3
    with pytest.raises(CodecError, match="is still kept"):
        GlzWindow(next_id=None).decode(image(1 << 30))


# Several channels


def deliver(channels: Sequence[Sequence[bytes]], chance: random.Random) -> dict[int, bytes]:
    """Decode what channels carry, each in order, in a random order of channels: pixels by id."""
    window = GlzWindow()
    queues = [deque(channel) for channel in channels]
    found: dict[int, bytes] = {}
    while any(queues):
        queue = chance.choice([queue for queue in queues if queue])
        try:
            picture = window.decode(queue[0])
        except MissingImageError as missing:
            if missing.id in found:
                raise
            continue
        found[parse_header(queue.popleft()).id] = bytes(picture.pixels)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_channels_share_the_window_in_any_order(seed: int) -> None:
    chance = random.Random(seed)
    dictionary = Dictionary(4000)
    pictures = np.random.default_rng(seed).integers(0, 256, (8, 20 * 15 * 4), np.uint8)
    channels: list[list[bytes]] = [[], [], []]
    sources = []
    for _ in range(150):
        sources.append(pictures[chance.randrange(len(pictures))].tobytes())
        data = dictionary.encode(sources[-1], 20, 15, 80, PixelFormat.BGRA32)
        chance.choice(channels).append(data)
    found = deliver(channels, chance)
    assert [found[id] for id in range(150)] == sources


def test_the_two_encoders_of_a_vector_as_two_channels() -> None:
    vector = next(v for v in read(DIRECTORY, "glz") if v["name"].endswith("2enc"))
    images = steps(vector)
    channels = [[step.stream for step in images if step["encoder"] == k] for k in range(2)]
    assert all(channels)
    found = deliver(channels, random.Random(1))
    assert [found[step["id"]] for step in images] == [step.pixels for step in images]


def test_threads_share_a_window() -> None:
    """Each has a channel of equal images; those of one channel refer to each other only."""
    window = GlzWindow()
    count = 2000

    def first(id: int) -> bytes:
        return stream(literals(colours(count, id * count)), count, id=id)

    def equal(id: int) -> bytes:
        ext = b"\xe0" + 7 * b"\xff" + bytes([count - 7 - 7 * 255])
        return stream(ext + b"\x00\x02", count, id=id, head=max(0, id - 6))

    def run(channel: int) -> bool:
        pixels = bytes(window.decode(first(channel)).pixels)
        ids = range(channel + 2, 300, 2)
        return all(bytes(window.decode(equal(id)).pixels) == pixels for id in ids)

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(run, range(2)))
    assert kept(window, range(300)) == list(range(293, 300))
