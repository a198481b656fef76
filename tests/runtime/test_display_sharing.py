"""Viewers of one display share what is encoded, and the messages that show it."""

from __future__ import annotations

import numpy as np
import pytest

from redspice.caps import DisplayCap
from redspice.channels.display import DisplayChannel, DisplayChannelClient
from redspice.display.compression import Compression, EncodedImage, ImageEncoder
from redspice.display.damage_log import ALIKE
from redspice.display.framebuffer import Box, Framebuffer
from redspice.display.pictures import MAX_BYTES, MAX_PICTURES
from redspice.interfaces import QxlInterface
from redspice.limits import DEFAULT_LIMITS, Limits
from redspice.reds import RedsState
from redspice_protocol.display import MsgcDisplayPreferredCompression
from redspice_protocol.enums import ImageCompression, ImageType
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Received, Viewer, picture

GLZ_VIEWERS = DEFAULT_LIMITS.max_glz_viewers
WIDTH, HEIGHT = 200, 160
WHOLE = Box(0, 0, WIDTH, HEIGHT)
CAPS = (DisplayCap.MONITORS_CONFIG, DisplayCap.LZ4_COMPRESSION)


class Work:
    """What was encoded: the size of each picture."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.fails = False

    def take(self) -> list[tuple[int, int]]:
        sizes, self.sizes = self.sizes, []
        return sizes


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    work = Work()
    encode = ImageEncoder.encode

    def counting(self: ImageEncoder, pixels: bytes, width: int, height: int) -> EncodedImage:
        work.sizes.append((width, height))
        if work.fails:
            raise MemoryError
        return encode(self, pixels, width, height)

    monkeypatch.setattr(ImageEncoder, "encode", counting)
    return work


@pytest.fixture
def framebuffer(reds: RedsState) -> Framebuffer:
    reds.allow_multiple_clients = True
    reds.image_compression = Compression.LZ
    reds.set_noauth()
    framebuffer = Framebuffer(WIDTH, HEIGHT)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    pixels = (x * y)[..., None].repeat(4, 2).astype(np.uint8)
    pixels[..., 3] = 0
    framebuffer.pixels[:] = pixels.tobytes()
    reds.add_interface(QxlInterface(framebuffer))
    return framebuffer


def come(reds: RedsState) -> Peer:
    """A viewer that waits for its first picture."""
    peer = Viewer(reds, local=False, password="").open_display(password="", channel_caps=CAPS)
    peer.read()
    return peer


def crowd(reds: RedsState, core: FakeCore, count: int = 5) -> list[Peer]:
    """Viewers that have their first picture."""
    peers = [come(reds) for _ in range(count)]
    core.do_jobs()
    for peer in peers:
        peer.messages()
    return peers


def drawn(received: list[Received]) -> list[Box]:
    rects = [one.message.base.box for one in received if one.name == "draw_copy"]
    return [Box(rect.left, rect.top, rect.right, rect.bottom) for rect in rects]


def shown(received: list[Received]) -> bytearray:
    canvas = bytearray(WIDTH * HEIGHT * 4)
    picture(received, canvas, WIDTH)
    return canvas


def corner(received: list[Received]) -> int:
    """The blue of the pixel at 10, 10."""
    return shown(received)[(10 * WIDTH + 10) * 4]


def update(peers: list[Peer], core: FakeCore) -> list[list[Received]]:
    """What the viewers get when all of them are asked, one after the other."""
    for peer in peers:
        peer.read()
    core.do_jobs()
    return [peer.messages() for peer in peers]


def client_of(peer: Peer) -> DisplayChannelClient:
    client = peer.connection.channel_client
    assert isinstance(client, DisplayChannelClient)
    return client


def channel_of(reds: RedsState) -> DisplayChannel:
    (channel,) = reds.channels.displays()
    return channel


@pytest.mark.parametrize("compression", ["off", "auto_lz", "quic", "lz", "lz4", "jpeg"])
def test_a_change_is_encoded_once_for_all(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work, compression: str
) -> None:
    reds.image_compression = compression
    peers = crowd(reds, core)
    work.take()
    framebuffer.fill(10, 20, 30, 50, (1, 2, 3))
    framebuffer.fill(110, 120, 140, 150, (4, 5, 6))
    received = update(peers, core)
    assert sorted(work.take()) == [(20, 30), (30, 30)]
    for one in received:
        assert sorted(drawn(one)) == [(10, 20, 30, 50), (110, 120, 140, 150)]
    ids = {
        tuple(one.message.data.src_bitmap.descriptor.id for one in messages)
        for messages in received
    }
    assert len(ids) == 1, "the very same message"


def test_all_get_their_first_picture_from_one_job_while_the_screen_changes(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    peers = []
    for n in range(30):
        framebuffer.fill(n, n, n + 3, n + 3, (n, 2, 3))
        peers.append(come(reds))
    core.do_jobs()
    sizes = work.take()
    assert sizes.count((WIDTH, HEIGHT)) == 1
    assert sum(width * height for width, height in sizes) < 1.5 * WIDTH * HEIGHT
    for peer in peers:
        received = peer.messages()
        core.do_jobs()
        received += peer.messages()
        assert shown(received) == framebuffer.pixels
    names = [one.name for one in received]
    assert names.index("mark") == len(names) - 1, "the last has all before it shows its window"
    assert names.count("draw_copy") > 1


def test_a_screen_that_has_changed_much_is_encoded_anew(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    crowd(reds, core, 1)
    framebuffer.fill(0, 0, WIDTH, HEIGHT // 4, (1, 2, 3))
    work.take()
    late = come(reds)
    core.do_jobs()
    assert work.take() == [(WIDTH, HEIGHT)]
    assert shown(late.messages()) == framebuffer.pixels


def test_a_picture_is_used_until_something_changes_in_its_box(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    one, other = crowd(reds, core, 2)
    work.take()
    framebuffer.fill(10, 10, 20, 20, (1, 2, 3))
    update([one], core)
    framebuffer.fill(100, 100, 110, 110, (1, 2, 3))
    update([one], core)
    assert work.take() == [(10, 10), (10, 10)]
    (both,) = update([other], core)
    assert sorted(drawn(both)) == [(10, 10, 20, 20), (100, 100, 110, 110)]
    assert work.take() == [], "the other viewer was late, and got what the first one had got"
    framebuffer.fill(19, 19, 20, 20, (7, 8, 9))
    framebuffer.damage(10, 10, 20, 20)
    (again,) = update([other], core)
    assert work.take() == [(10, 10)]
    canvas = np.frombuffer(shown(again), np.uint8).reshape(HEIGHT, WIDTH, 4)
    assert tuple(canvas[19, 19]) == (7, 8, 9, 0)


def test_a_picture_of_older_pixels_is_not_joined_while_it_is_encoded(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    one, other = crowd(reds, core, 2)
    framebuffer.fill(10, 10, 20, 20, (1, 1, 1))
    one.read()
    framebuffer.fill(10, 10, 20, 20, (2, 2, 2))
    other.read()
    core.do_jobs()
    first, newer = ([corner([each]) for each in peer.messages()] for peer in (one, other))
    assert first == [1, 2]
    assert newer == [2]


def test_who_waits_for_two_jobs_gets_both_pictures_together(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    one, other = crowd(reds, core, 2)
    framebuffer.fill(10, 10, 20, 20, (1, 1, 1))
    one.read()
    framebuffer.fill(100, 100, 110, 110, (2, 2, 2))
    other.read()
    assert len(core.jobs) == 2
    core.jobs.popleft()()
    assert len(drawn(one.messages())) == 1
    assert other.messages() == []
    core.do_jobs()
    assert len(drawn(other.messages())) == 2


def test_each_wish_is_encoded_for_itself(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    peers = crowd(reds, core, 4)
    for peer, wish in zip(peers[2:], (ImageCompression.QUIC, ImageCompression.LZ4), strict=True):
        peer.send("preferred_compression", MsgcDisplayPreferredCompression(wish))
    work.take()
    framebuffer.damage(0, 0, 50, 50)
    received = update(peers, core)
    types = [one[0].message.data.src_bitmap.descriptor.type for one in received]
    assert types == [ImageType.LZ_RGB, ImageType.LZ_RGB, ImageType.QUIC, ImageType.LZ4]
    assert work.take() == [(50, 50)] * 3


@pytest.mark.parametrize(
    ("compression", "without"),
    [("glz", "lz"), ("auto_glz", "auto_lz"), ("lz4", "lz"), ("jpeg", "jpeg")],
)
def test_those_that_get_the_same_share_it_whatever_they_wished(
    compression: str, without: str
) -> None:
    one, other = ImageEncoder(Compression(compression)), ImageEncoder(Compression(without), True)
    assert one.shared() == other.shared() or compression == "lz4"
    assert one.shared().dictionary is None


def test_viewers_with_a_dictionary_share_nothing(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    reds.image_compression = Compression.GLZ
    peers = crowd(reds, core, GLZ_VIEWERS)
    assert len(work.take()) == GLZ_VIEWERS
    framebuffer.damage(0, 0, 50, 50)
    received = update(peers, core)
    assert len(work.take()) == GLZ_VIEWERS
    types = [one[0].message.data.src_bitmap.descriptor.type for one in received]
    assert types == [ImageType.GLZ_RGB] * GLZ_VIEWERS


def test_a_picture_that_refers_to_others_is_made_each_time(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = Compression.GLZ
    (peer,) = crowd(reds, core, 1)
    pictures, encoder = channel_of(reds).pictures, client_of(peer).encoder
    assert encoder.uses_dictionary
    first, again = (pictures.of([WHOLE], encoder) for _ in range(2))
    assert first[0] is not again[0], "it may be sent only once"


def test_in_a_crowd_nobody_gets_glz(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    reds.image_compression = Compression.GLZ
    peers = crowd(reds, core, GLZ_VIEWERS)
    peers += crowd(reds, core, 1)
    work.take()
    framebuffer.damage(0, 0, 50, 50)
    received = update(peers, core)
    assert work.take() == [(50, 50)]
    types = {one[0].message.data.src_bitmap.descriptor.type for one in received}
    assert types == {ImageType.LZ_RGB}
    peers.pop().connection.receive_eof()
    framebuffer.damage(0, 0, 50, 50)
    received = update(peers, core)
    types = {one[0].message.data.src_bitmap.descriptor.type for one in received}
    assert types == {ImageType.GLZ_RGB}


def test_what_a_crowd_is_depends_on_the_limits(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = Compression.GLZ
    peers = crowd(reds, core, 2)
    for most, expected in ((1, ImageType.LZ_RGB), (2, ImageType.GLZ_RGB)):
        reds.limits = Limits(max_glz_viewers=most)
        framebuffer.damage(0, 0, 50, 50)
        received = update(peers, core)
        types = [one[0].message.data.src_bitmap.descriptor.type for one in received]
        assert types == [expected] * 2


def test_a_crowd_fills_no_windows(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = Compression.GLZ
    for peer in crowd(reds, core, GLZ_VIEWERS + 5)[GLZ_VIEWERS:]:
        dictionary = client_of(peer).encoder.dictionary
        assert dictionary is not None
        assert dictionary.next_id == 0


def test_a_picture_that_cannot_be_encoded_ends_who_waits_and_nobody_later(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    *peers, late = crowd(reds, core, 3)
    work.fails = True
    framebuffer.damage(0, 0, 10, 10)
    update(peers, core)
    assert all(peer.connection.closed for peer in peers)
    work.fails = False
    (received,) = update([late], core)
    assert drawn(received) == [(0, 0, 10, 10)]
    assert not late.connection.closed


def test_a_picture_that_fails_takes_no_newer_one_of_its_box_along(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    one, other, late = crowd(reds, core, 3)
    framebuffer.fill(10, 10, 20, 20, (1, 1, 1))
    one.read()
    framebuffer.fill(10, 10, 20, 20, (2, 2, 2))
    other.read()
    work.fails = True
    core.jobs.popleft()()
    work.fails = False
    core.do_jobs()
    assert one.connection.closed
    assert corner(other.messages()) == 2
    work.take()
    (received,) = update([late], core)
    assert corner(received) == 2
    assert work.take() == []


def test_a_viewer_that_goes_during_a_job_takes_it_from_nobody(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    one, other = crowd(reds, core, 2)
    framebuffer.fill(0, 0, 10, 10, (1, 2, 3))
    one.read()
    other.read()
    one.connection.receive_eof()
    core.do_jobs()
    assert drawn(other.messages()) == [(0, 0, 10, 10)]


def test_what_is_kept_is_bounded_in_number(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    peers = crowd(reds, core, 1)
    pictures = channel_of(reds).pictures
    for n in range(2 * MAX_PICTURES):
        x, y = n % WIDTH, n // WIDTH
        framebuffer.damage(x, y, x + 1, y + 1)
        update(peers, core)
    assert len(pictures._kept) == MAX_PICTURES


def test_a_picture_that_is_asked_for_again_is_kept_and_others_make_room(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    peers = crowd(reds, core, 1)
    work.take()
    for n in range(2 * MAX_PICTURES):
        x, y = n % 50, n // 50
        framebuffer.damage(x, y, x + 1, y + 1)
        update(peers, core)
        if n % 100 == 0:
            (newcomer,) = crowd(reds, core, 1)
            newcomer.connection.receive_eof()
    assert (WIDTH, HEIGHT) not in work.take()


def test_what_is_kept_is_bounded_in_bytes(reds: RedsState, core: FakeCore) -> None:
    reds.image_compression = Compression.OFF
    framebuffer = Framebuffer(1024, 1024)
    reds.add_interface(QxlInterface(framebuffer, id=1))
    peer = Viewer(reds, local=False).open_display(channel_id=1)
    pictures = next(one for one in reds.channels.displays() if one.id == 1).pictures
    for n in range(40):
        framebuffer.damage(n, 0, 1024, 256)
        peer.messages()
        sizes = [one.image_bytes for one in pictures._kept.values()]
        assert sum(sizes) <= MAX_BYTES
    assert sum(sizes) > MAX_BYTES // 2


def test_a_picture_that_is_larger_than_what_may_be_kept_is_shared_all_the_same(
    reds: RedsState, core: FakeCore, work: Work
) -> None:
    reds.image_compression = Compression.OFF
    reds.allow_multiple_clients = True
    framebuffer = Framebuffer(2048, MAX_BYTES // 4 // 2048 + 1)
    reds.add_interface(QxlInterface(framebuffer, id=1))
    for _ in range(3):
        Viewer(reds, local=False).open_display(channel_id=1).messages()
    assert len(work.take()) == 1


def test_nothing_is_kept_when_nobody_watches(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    one, other = crowd(reds, core, 2)
    pictures = channel_of(reds).pictures
    one.connection.receive_eof()
    assert pictures._kept
    other.connection.receive_eof()
    assert not pictures._kept


def test_nothing_of_another_size_is_used(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, work: Work
) -> None:
    crowd(reds, core, 1)
    framebuffer.resize(WIDTH, HEIGHT)
    work.take()
    late = come(reds)
    core.do_jobs()
    assert work.take() == [(WIDTH, HEIGHT)]
    assert shown(late.messages()) == framebuffer.pixels


def test_damage_of_a_larger_screen_is_forgotten(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    one, late = crowd(reds, core, 2)
    framebuffer.damage(WIDTH - 10, HEIGHT - 10, WIDTH, HEIGHT)
    update([one, late], core)
    framebuffer.resize(WIDTH // 2, HEIGHT // 2)
    update([one, late], core)
    for n in range(2 * ALIKE):
        framebuffer.damage(n, n, n + 1, n + 1)
        update([one], core)
    (received,) = update([late], core)
    assert not late.connection.closed
    assert drawn(received)
    assert all(box.right <= 2 * ALIKE for box in drawn(received))


def test_an_idle_viewer_is_woken_once_until_it_has_asked(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    peers = crowd(reds, core, 2)
    for peer in peers:
        peer.wakes = 0
    for n in range(100):
        framebuffer.damage(n, 0, n + 1, 1)
    assert [peer.wakes for peer in peers] == [1, 1]
    peers[0].read()
    framebuffer.damage(0, 0, 1, 1)
    assert [peer.wakes for peer in peers] == [2, 2]
