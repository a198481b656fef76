"""How fast the codecs are here: every codec on two pictures, beside well-known ones.

The desktop is the demo's; the photograph is made of smooth noise, coarse and fine, and a grain.
The best time of several is taken, since everything else that a machine does only adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from time import perf_counter
from typing import NamedTuple

from PIL import Image as Pillow
from PIL import ImageChops
from rich.table import Table

from redspice.cli.refusal import Refusal
from redspice.codecs import COMPILED, PixelFormat, jpeg, lz, lz4, quic
from redspice.codecs.glz_dictionary import Dictionary
from redspice.codecs.glz_window import GlzWindow
from redspice.codecs.yardsticks import YARDSTICKS, Yardstick
from redspice.errors import ConfigurationError
from redspice.sources.demo import Demo

PICTURES = ("desktop", "photo")

#: Cells across the picture, and how much of what was there before such noise replaces.
NOISE = ((8, 1.0), (32, 0.35), (128, 0.2), (512, 0.1))
#: Bits of the grain that every pixel gets.
GRAIN_BITS = 2


class Picture(NamedTuple):
    """BGRX32 without padding."""

    name: str
    width: int
    height: int
    pixels: memoryview

    @property
    def layout(self) -> tuple[memoryview, int, int, int, PixelFormat]:
        """What encoders take."""
        return self.pixels, self.width, self.height, 4 * self.width, PixelFormat.BGRX32


class Contender(NamedTuple):
    encode: Callable[[Picture], bytes]
    decode: Callable[[bytes, Picture], object]


class Figures(NamedTuple):
    """Pixels in a second, and bytes of the stream for one byte of pixels."""

    encode: float
    decode: float
    size: float


OURS = {
    "quic": Contender(
        lambda picture: quic.encode(*picture.layout),
        lambda data, picture: quic.decode(data),
    ),
    "lz": Contender(
        lambda picture: lz.encode(*picture.layout),
        lambda data, picture: lz.decode(data),
    ),
    "glz": Contender(
        lambda picture: encode_glz(picture),
        lambda data, picture: GlzWindow().decode(data),
    ),
    "lz4": Contender(
        lambda picture: lz4.encode(*picture.layout),
        lambda data, picture: lz4.decode(data, picture.width, picture.height),
    ),
    "jpeg": Contender(
        lambda picture: jpeg.encode(*picture.layout),
        lambda data, picture: jpeg.decode(data),
    ),
}


def encode_glz(picture: Picture) -> bytes:
    """A first image: nothing before it to refer to."""
    return Dictionary(picture.width * picture.height + 1).encode(*picture.layout)


def contenders(name: str | None) -> dict[str, Contender]:
    """All of ours and all yardsticks, or one of ours and all yardsticks."""
    ours = OURS if name is None else {name: OURS[name]}
    return ours | {name: _beside(yardstick) for name, yardstick in YARDSTICKS.items()}


def _beside(yardstick: Yardstick) -> Contender:
    return Contender(
        lambda picture: yardstick.encode(picture.pixels, picture.width, picture.height),
        lambda data, picture: yardstick.decode(data, picture.pixels.nbytes),
    )


def draw_pictures(width: int, height: int) -> list[Picture]:
    """The two pictures. Raises `Refusal` for a size that no screen has."""
    try:
        desktop = Demo(width, height, frozen=True).framebuffer.pixels
    except ConfigurationError as error:
        raise Refusal(str(error)) from None
    photograph = memoryview(noise(width, height).tobytes("raw", "BGRX"))
    drawn = zip(PICTURES, (desktop, photograph), strict=True)
    return [Picture(name, width, height, pixels) for name, pixels in drawn]


def noise(width: int, height: int) -> Pillow.Image:
    """An RGB picture that looks like a photograph to a codec; always the same."""
    random = Random(1)
    return Pillow.merge("RGB", [_noisy_channel(random, width, height) for _ in range(3)])


def _noisy_channel(random: Random, width: int, height: int) -> Pillow.Image:
    channel = Pillow.new("L", (width, height))
    for across, weight in NOISE:
        down = max(2, across * height // width)
        cells = Pillow.frombytes("L", (across, down), random.randbytes(across * down))
        smooth = cells.resize((width, height), Pillow.Resampling.BICUBIC)
        channel = Pillow.blend(channel, smooth, weight)
    grain = Pillow.frombytes("L", (width, height), random.randbytes(width * height))
    return ImageChops.add(channel, grain.point(lambda value: int(value) >> (8 - GRAIN_BITS)))


def measure(contender: Contender, picture: Picture, seconds: float) -> Figures:
    """Encode and decode a picture over and over, each for this long and at least once."""
    stream = contender.encode(picture)
    pixels = picture.width * picture.height
    return Figures(
        pixels / best_time(lambda: contender.encode(picture), seconds),
        pixels / best_time(lambda: contender.decode(stream, picture), seconds),
        len(stream) / picture.pixels.nbytes,
    )


def best_time(run: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest call."""
    best = float("inf")
    end = perf_counter() + seconds
    while True:
        start = perf_counter()
        run()
        now = perf_counter()
        best = min(best, now - start)
        if now >= end:
            return best


def run_bench(
    pictures: list[Picture], seconds: float, name: str | None
) -> Iterator[tuple[str, str, Figures]]:
    """Codec, picture and figures, one after the other: `count_results` of them."""
    for contender_name, contender in contenders(name).items():
        for picture in pictures:
            yield contender_name, picture.name, measure(contender, picture, seconds)


def count_results(name: str | None) -> int:
    """How many results `run_bench` gives."""
    return len(PICTURES) * len(contenders(name))


def table(title: str, results: list[tuple[str, str, Figures]]) -> Table:
    """A row for each codec: ours first, then the yardsticks."""
    form = "compiled" if COMPILED else "plain Python, many times slower than compiled"
    drawn = Table(
        title=f"{title}; quic, lz and glz are {form}",
        caption="Mpixel/s; size of the stream in percent of the pixels",
    )
    drawn.add_column("codec")
    for picture in PICTURES:
        for what in Figures._fields:
            drawn.add_column(f"{picture}\n{what}", justify="right")
    rows: dict[str, list[str]] = {}
    for name, _, figures in results:
        speeds = [f"{rate / 1e6:.1f}" for rate in (figures.encode, figures.decode)]
        rows.setdefault(name, []).extend([*speeds, f"{100 * figures.size:.1f}%"])
    last_of_ours = [name for name in rows if name in OURS][-1]
    for name, cells in rows.items():
        drawn.add_row(name, *cells, end_section=name == last_of_ours)
    return drawn
