"""Compressed pictures on the display channel: what goes out, when, and to whom."""

from __future__ import annotations

import numpy as np
import pytest

from redspice.caps import DisplayCap
from redspice.client import RedClient
from redspice.codecs import COMPILED, CodecError, spice_image
from redspice.codecs.glz_dictionary import MAX_WINDOW_PIXELS
from redspice.codecs.glz_window import GlzWindow
from redspice.display.compression import PREFERRED, Compression, ImageEncoder
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import QxlInterface
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from redspice_protocol.display import MsgcDisplayInit, MsgcDisplayPreferredCompression
from redspice_protocol.enums import ImageCompression, ImageType
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Received, Viewer, picture

DISPLAY = CHANNELS["display"]
WIDTH, HEIGHT = 64, 48
DISPLAY_CAPS = (DisplayCap.MONITORS_CONFIG, DisplayCap.LZ4_COMPRESSION)


def flat() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 4), (10, 200, 30, 0), np.uint8)


def photograph() -> np.ndarray:
    """A gradient with grain: what the rules take for a photograph."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    grain = np.random.default_rng(1).integers(0, 8, (HEIGHT, WIDTH, 3))
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., :3] = (2 * x + y)[..., None] + grain
    return pixels


def noise() -> np.ndarray:
    pixels = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 3] = 0
    return pixels


@pytest.fixture
def framebuffer(reds: RedsState) -> Framebuffer:
    framebuffer = Framebuffer(WIDTH, HEIGHT)
    reds.add_interface(QxlInterface(framebuffer))
    return framebuffer


class Screen:
    """What a viewer makes of what it gets."""

    def __init__(self, framebuffer: Framebuffer) -> None:
        self._canvas = bytearray(framebuffer.width * framebuffer.height * 4)
        self._width = framebuffer.width
        self._window = GlzWindow()
        self.pixels = np.frombuffer(self._canvas, np.uint8).reshape(-1, framebuffer.width, 4)

    def draw(self, received: list[Received]) -> list[ImageType]:
        """Draw every picture; returns their types."""
        return picture(received, self._canvas, self._width, self._window)


def fill(framebuffer: Framebuffer, pixels: np.ndarray) -> None:
    framebuffer.pixels[:] = pixels.tobytes()
    framebuffer.damage(0, 0, WIDTH, HEIGHT)


def connect(reds: RedsState, *, local: bool = False, caps: tuple[int, ...] = DISPLAY_CAPS) -> Peer:
    """A display channel that waits for its first picture."""
    display = Viewer(reds, local=local).open_display(channel_caps=caps)
    display.read()
    return display


def connect_two(reds: RedsState) -> list[Peer]:
    """Two display channels of one viewer that wait for their first pictures."""
    viewer = Viewer(reds, local=False)
    displays = [viewer.open_display(channel_id=id, channel_caps=DISPLAY_CAPS) for id in (0, 1)]
    for display in displays:
        display.read()
    return displays


@pytest.mark.parametrize(
    ("compression", "flat_type", "photograph_type"),
    [
        ("off", ImageType.BITMAP, ImageType.BITMAP),
        ("auto_glz", ImageType.GLZ_RGB, ImageType.QUIC),
        ("auto_lz", ImageType.LZ_RGB, ImageType.QUIC),
        ("quic", ImageType.QUIC, ImageType.QUIC),
        ("glz", ImageType.GLZ_RGB, ImageType.GLZ_RGB),
        ("lz", ImageType.LZ_RGB, ImageType.LZ_RGB),
        ("lz4", ImageType.LZ4, ImageType.BITMAP),
        ("jpeg", ImageType.GLZ_RGB, ImageType.JPEG),
    ],
)
def test_pictures_go_as_the_server_was_told(
    reds: RedsState,
    core: FakeCore,
    framebuffer: Framebuffer,
    compression: str,
    flat_type: ImageType,
    photograph_type: ImageType,
) -> None:
    reds.image_compression = compression
    screen = Screen(framebuffer)
    fill(framebuffer, flat())
    display = connect(reds)
    core.do_jobs()
    assert screen.draw(display.messages()) == [flat_type]
    assert (screen.pixels == flat()).all()
    fill(framebuffer, photograph())
    display.read()
    core.do_jobs()
    assert screen.draw(display.messages()) == [photograph_type]
    assert np.abs(screen.pixels - photograph().astype(int)).max() <= 24 * (compression == "jpeg")


def test_a_picture_that_would_grow_goes_as_it_is(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = "lz4"
    fill(framebuffer, noise())
    display = connect(reds)
    core.do_jobs()
    screen = Screen(framebuffer)
    assert screen.draw(display.messages()) == [ImageType.BITMAP]
    assert (screen.pixels == noise()).all()


@pytest.mark.parametrize(("width", "type"), [(13, ImageType.BITMAP), (14, ImageType.LZ_RGB)])
def test_tiny_pictures_go_as_they_are(width: int, type: ImageType) -> None:
    encoder = ImageEncoder(Compression.LZ)
    assert encoder.encode(bytes(width * 4), width, 1).type is type


@pytest.mark.parametrize("size", [(2, 100), (100, 2)])
def test_quic_takes_no_narrow_pictures(size: tuple[int, int]) -> None:
    encoder = ImageEncoder(Compression.QUIC)
    assert encoder.encode(bytes(800), *size).type is ImageType.BITMAP


def test_lz_is_for_viewers_without_lz4(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = "lz4"
    display = connect(reds, caps=(DisplayCap.MONITORS_CONFIG,))
    core.do_jobs()
    assert Screen(framebuffer).draw(display.messages()) == [ImageType.LZ_RGB]


def test_nothing_is_compressed_on_a_unix_socket(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = "lz"
    display = connect(reds, local=True)
    display.send("preferred_compression", MsgcDisplayPreferredCompression(ImageCompression.QUIC))
    framebuffer.damage(0, 0, WIDTH, HEIGHT)
    assert Screen(framebuffer).draw(display.messages()) == [ImageType.BITMAP] * 2


def test_a_viewers_wish_counts_more_than_the_servers(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = "off"
    display = Viewer(reds, local=False).open("display", channel_caps=DISPLAY_CAPS)
    display.send("preferred_compression", MsgcDisplayPreferredCompression(ImageCompression.LZ4))
    display.send("init", MsgcDisplayInit(1, 0, 1, 1 << 20))
    screen = Screen(framebuffer)
    display.read()
    core.do_jobs()
    assert screen.draw(display.messages()) == [ImageType.LZ4]
    reds.image_compression = "lz"
    framebuffer.damage(0, 0, WIDTH, HEIGHT)
    display.read()
    core.do_jobs()
    assert screen.draw(display.messages()) == [ImageType.LZ4]


def test_a_viewer_may_only_wish_for_what_is_quick() -> None:
    wishes = set(Compression) - {Compression.JPEG} if COMPILED else {"off", "lz4"}
    assert set(PREFERRED.values()) == wishes


@pytest.mark.parametrize("unknown", [0, 8, 255])
def test_an_unknown_wish_changes_nothing(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, unknown: int
) -> None:
    reds.image_compression = "lz"
    display = connect(reds)
    display.send("preferred_compression", MsgcDisplayPreferredCompression(unknown))
    core.do_jobs()
    assert not display.connection.closed
    assert Screen(framebuffer).draw(display.messages()) == [ImageType.LZ_RGB]


def test_a_new_setting_reaches_viewers_that_are_in(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = Compression.OFF
    display = connect(reds)
    assert Screen(framebuffer).draw(display.messages()) == [ImageType.BITMAP]
    reds.image_compression = Compression.LZ
    framebuffer.damage(0, 0, WIDTH, HEIGHT)
    display.read()
    core.do_jobs()
    assert Screen(framebuffer).draw(display.messages()) == [ImageType.LZ_RGB]


def test_an_unknown_compression_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'zip' is no image compression"):
        RedsState().image_compression = "zip"


def test_a_window_too_small_for_a_picture_means_lz(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = "glz"
    display = Viewer(reds, local=False).open("display", channel_caps=DISPLAY_CAPS)
    display.send("init", MsgcDisplayInit(1, 0, 1, WIDTH * HEIGHT))
    display.read()
    core.do_jobs()
    assert Screen(framebuffer).draw(display.messages()) == [ImageType.LZ_RGB]


@pytest.mark.parametrize(
    ("window", "pixels"), [(-1, 0), (0, 0), (0x7FFFFFFF, DEFAULT_LIMITS.max_glz_pixels)]
)
def test_a_window_of_any_size_is_bounded(
    reds: RedsState, framebuffer: Framebuffer, window: int, pixels: int
) -> None:
    display = Viewer(reds, local=False).open("display")
    display.send("init", MsgcDisplayInit(1, 0, 1, window))
    assert not display.connection.closed
    (client,) = reds.clients
    assert client.glz_dictionary(1, 0).window_pixels == pixels


def test_a_limit_above_what_glz_can_address_is_no_error() -> None:
    client = RedClient(1, lambda client: None, max_glz_pixels=0x7FFFFFFF)
    assert client.glz_dictionary(1, 0x7FFFFFFF).window_pixels == MAX_WINDOW_PIXELS


@pytest.mark.parametrize("server_ends_it", [False, True])
def test_no_picture_refers_to_those_of_a_display_that_is_gone(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer, server_ends_it: bool
) -> None:
    """They may have been lost on the way, and the viewer would wait for them."""
    second = Framebuffer(WIDTH, HEIGHT)
    reds.add_interface(QxlInterface(second, id=1))
    reds.image_compression = "glz"
    fill(framebuffer, photograph())
    displays = connect_two(reds)
    core.do_jobs()
    screen = Screen(second)
    assert screen.draw(displays[1].messages()) == [ImageType.GLZ_RGB]
    if server_ends_it:
        channel = reds.channels.find(DISPLAY.id, 0)
        assert channel is not None
        reds.unregister_channel(channel)
    else:
        displays[0].connection.receive_eof()
    fill(second, photograph())
    displays[1].read()
    core.do_jobs()
    assert screen.draw(displays[1].messages()) == [ImageType.LZ_RGB]
    assert (screen.pixels == photograph()).all()


def test_displays_with_one_dictionary_id_share_it(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    second = Framebuffer(WIDTH, HEIGHT)
    reds.add_interface(QxlInterface(second, id=1))
    reds.image_compression = "glz"
    fill(framebuffer, photograph())
    fill(second, photograph())
    displays = connect_two(reds)
    core.do_jobs()
    screen = Screen(framebuffer)
    first, again = (display.messages() for display in displays)
    sizes = [
        len(one.message.data.src_bitmap.u.data)
        for one in (*first, *again)
        if one.name == "draw_copy"
    ]
    assert sizes[1] < sizes[0] / 10
    for received in (first, again):
        screen.pixels[:] = 0
        screen.draw(received)
        assert (screen.pixels == photograph()).all()


def test_what_changes_during_a_job_is_drawn_after_it(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = "glz"
    display = connect(reds)
    assert "draw_copy" not in display.names()
    fill(framebuffer, photograph())
    assert display.names() == []
    core.do_jobs()
    screen = Screen(framebuffer)
    screen.draw(display.messages())
    assert not screen.pixels.any()
    core.do_jobs()
    screen.draw(display.messages())
    assert (screen.pixels == photograph()).all()


def test_a_resize_during_a_job_brings_a_new_surface(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = "lz"
    display = connect(reds)
    framebuffer.resize(20, 10)
    core.do_jobs()
    first = display.names()
    core.do_jobs()
    second = display.names()
    assert first[2:] == ["surface_create", "draw_copy", "monitors_config", "mark"]
    assert second == ["surface_destroy", *first[2:]]


def test_a_viewer_may_go_during_a_job(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = "lz"
    display = connect(reds)
    display.connection.receive_eof()
    core.do_jobs()
    assert display.connection.data_to_send() == []


def test_a_picture_that_cannot_be_encoded_ends_the_viewer_with_a_reason(
    reds: RedsState,
    core: FakeCore,
    framebuffer: Framebuffer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    reds.image_compression = "lz"
    display = connect(reds)
    monkeypatch.setattr(ImageEncoder, "_choose", fail)
    core.do_jobs()
    assert display.connection.closed
    assert caplog.messages[-1] == "viewer display:0: a picture cannot be encoded"


def test_many_small_changes_become_one_job(
    reds: RedsState, core: FakeCore, framebuffer: Framebuffer
) -> None:
    reds.image_compression = "lz"
    display = connect(reds)
    core.do_jobs()
    display.messages()
    framebuffer.fill(0, 0, 5, 5, (1, 2, 3))
    framebuffer.fill(50, 40, 60, 48, (4, 5, 6))
    waiting = len(core.jobs)
    display.read()
    assert len(core.jobs) == waiting + 1
    core.do_jobs()
    screen = Screen(framebuffer)
    assert len(screen.draw(display.messages())) == 2
    assert tuple(screen.pixels[2, 2, :3]) == (1, 2, 3)
    assert tuple(screen.pixels[44, 55, :3]) == (4, 5, 6)


def test_a_stream_of_another_size_is_no_picture_of_ours() -> None:
    encoded = ImageEncoder(Compression.LZ).encode(bytes(400), 10, 10)
    with pytest.raises(CodecError):
        spice_image.decode(encoded.type, encoded.data, 11, 10)
