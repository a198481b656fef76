"""What a source meets in tests: a server that keeps its devices, and ears for its damage."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from PIL import Image

from redspice.display.framebuffer import Box, Framebuffer
from redspice.interfaces import KeyboardInterface, MouseInterface, QxlInterface, TabletInterface
from redspice.reds import RedsState
from redspice.sources.area import Area
from redspice.sources.demo import Demo
from runtime.fake_core import FakeCore

Result = TypeVar("Result")
Device = QxlInterface | KeyboardInterface | MouseInterface | TabletInterface

SIZES = [(320, 200), (640, 480), (800, 600), (1024, 768), (1920, 1080), (480, 800), (3840, 2160)]
NOON = datetime(2024, 5, 1, 12, 0, 0)


class RecordingReds(RedsState):
    """A server that only keeps what is registered with it."""

    def __init__(self, core: FakeCore) -> None:
        super().__init__()
        self.init(core)
        self.devices: list[Device] = []
        self.leds: list[int] = []

    def kbd_leds(self, leds: int) -> None:
        self.leds.append(leds)

    def add_interface(self, instance: Device) -> None:
        self.devices.append(instance)

    def find(self, kind: type[Result]) -> Result:
        return next(device for device in self.devices if isinstance(device, kind))


class DamageLog:
    """Hears what a framebuffer says."""

    def __init__(self, framebuffer: Framebuffer) -> None:
        self.boxes: list[Box] = []
        framebuffer.add_listener(self)

    def damaged(self, box: Box) -> None:
        self.boxes.append(box)

    def resized(self) -> None:
        raise AssertionError("a source does not resize its screen")

    def take(self) -> list[Box]:
        boxes, self.boxes = self.boxes, []
        return boxes


def picture_of(framebuffer: Framebuffer) -> Image.Image:
    size = (framebuffer.width, framebuffer.height)
    return Image.frombytes("RGB", size, bytes(framebuffer.pixels), "raw", "BGRX")


def colors_in(picture: Image.Image, area: Area) -> set[object]:
    found = picture.crop(area).getcolors(maxcolors=2)
    return {color for _, color in found} if found else set()


def started(
    width: int = 640, height: int = 480, *, frozen: bool = True
) -> tuple[Demo, RecordingReds, FakeCore]:
    core = FakeCore()
    demo = Demo(width, height, frozen=frozen, wall_clock=lambda: NOON)
    reds = RecordingReds(core)
    demo.attach(reds)
    return demo, reds, core
