"""Pictures of a framebuffer, each encoded once for all viewers that want it.

A picture shows one box in one encoding. It may be used while nothing was damaged in its box since
the pixels were read; whoever asks later gets a new one. A viewer may ask while the picture is being
encoded and then waits for the same job. What nobody has asked for lately makes room.

A picture whose encoder has a dictionary is for one viewer, and not kept: it may be sent only once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from redspice.display.compression import Compression
from redspice.display.sweep import size
from redspice.jobs import Failed, attempt

if TYPE_CHECKING:
    from redspice.display.compression import EncodedImage, ImageEncoder
    from redspice.display.damage_log import DamageLog
    from redspice.display.framebuffer import Box, Framebuffer
    from redspice.interfaces import CoreInterface
    from redspice.pipe import PipeItem
    from redspice_protocol import Buffer

logger = logging.getLogger("redspice")

# Four updates full of small boxes, and eight full of pixels that are not compressed: as many as
# viewers ask for that are at different places of a sweep.
MAX_PICTURES = 256
MAX_BYTES = 8 * 1024 * 1024
# A part of the screen: while less has changed, a viewer that comes gets the last picture of all of
# it, and what has changed on top. On a busy screen no new viewer could share a picture otherwise.
REPAIRABLE = 1 / 4


class Job:
    """Pictures that are being encoded, and who waits for them."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []


class Picture:
    """What a box of the framebuffer showed at a position of its log of damage."""

    __slots__ = ("box", "image_bytes", "item", "job", "pixel_bytes", "position")

    def __init__(self, box: Box, position: int, job: Job) -> None:
        self.box = box
        self.position = position
        self.job: Job | None = job
        """What encodes it; None when that is done."""
        self.item: PipeItem | None = None
        """The message that draws it; None also if it cannot be encoded."""
        self.pixel_bytes = self.image_bytes = size(box)

    def finish(self, item: PipeItem | None, image_bytes: int) -> None:
        self.job, self.item, self.image_bytes = None, item, image_bytes


class Asked(NamedTuple):
    """What a viewer wanted to show, and when."""

    position: int
    boxes: Sequence[Box]
    encoder: ImageEncoder


class Answer(NamedTuple):
    """The pictures that it got."""

    asked: Asked
    pictures: Sequence[Picture]


class Pictures:
    """The pictures of one framebuffer. `draw_item` makes the message that shows one."""

    def __init__(
        self,
        core: CoreInterface,
        framebuffer: Framebuffer,
        log: DamageLog,
        draw_item: Callable[[Box, EncodedImage], PipeItem],
    ) -> None:
        self._core = core
        self._framebuffer = framebuffer
        self._log = log
        self._draw_item = draw_item
        # Those first that nobody has asked for lately.
        self._kept: dict[tuple[Box, ImageEncoder], Picture] = {}
        self._latest: Answer | None = None

    def clear(self) -> None:
        """Keep nothing: all pixels have changed, or nobody is left to see them."""
        self._kept.clear()
        self._latest = None

    def of(self, boxes: Sequence[Box], encoder: ImageEncoder) -> Sequence[Picture]:
        """What `boxes` show now; what must be encoded first is begun, in one job."""
        if encoder.dictionary is not None:
            return self._begin(boxes, encoder)
        asked = Asked(self._log.now(), boxes, encoder)
        # Viewers that are in step ask for the same one after the other.
        if self._latest is None or self._latest.asked != asked:
            self._latest = Answer(asked, self._find(boxes, encoder))
        return self._latest.pictures

    def _find(self, boxes: Sequence[Box], encoder: ImageEncoder) -> list[Picture]:
        found = [self._fresh(box, encoder) for box in boxes]
        missing = [box for box, picture in zip(boxes, found, strict=True) if picture is None]
        made = iter(self._begin(missing, encoder) if missing else ())
        return [picture or next(made) for picture in found]

    def of_everything(self, encoder: ImageEncoder) -> Sequence[Picture]:
        """What the whole framebuffer shows now: pictures to be drawn one on the other."""
        whole = self._framebuffer.box
        last = self._kept.get((whole, encoder))
        if last is not None:
            changed = self._log.since(last.position)
            if sum(map(size, changed)) < REPAIRABLE * size(whole):
                self._touch(last, encoder)
                return [last, *self.of(changed, encoder)]
        return self.of([whole], encoder)

    def _fresh(self, box: Box, encoder: ImageEncoder) -> Picture | None:
        """The picture of a box if it still shows what is there."""
        picture = self._kept.get((box, encoder))
        if picture is None or any(overlap(box, one) for one in self._log.since(picture.position)):
            return None
        picture.position = self._log.now()
        self._touch(picture, encoder)
        return picture

    def _begin(self, boxes: Sequence[Box], encoder: ImageEncoder) -> list[Picture]:
        contents = [(self._framebuffer.read(box), box) for box in boxes]
        job, position = Job(), self._log.now()
        pictures = [Picture(box, position, job) for box in boxes]
        if encoder.dictionary is None:
            self._keep(pictures, encoder)

        def encode() -> list[EncodedImage]:
            return [self._timed(encoder, pixels, box) for pixels, box in contents]

        def encoded(images: list[EncodedImage] | Failed) -> None:
            if isinstance(images, Failed):
                logger.error("while encoding", exc_info=images.error)
                self._drop(pictures, encoder)
            else:
                for picture, image in zip(pictures, images, strict=True):
                    picture.finish(self._draw_item(picture.box, image), len(image.data))
            for tell in job.waiting:
                tell()

        if encoder.compression is Compression.OFF:
            encoded(attempt(encode)())
        else:
            self._core.run_job(attempt(encode), encoded)
        return pictures

    def _timed(self, encoder: ImageEncoder, pixels: Buffer, box: Box) -> EncodedImage:
        """In a job: the clock is the core's."""
        begun = self._core.now()
        image = encoder.encode(pixels, box.width, box.height)
        return image._replace(seconds=self._core.now() - begun)

    def _keep(self, pictures: Iterable[Picture], encoder: ImageEncoder) -> None:
        kept = self._kept
        for picture in pictures:
            kept.pop((picture.box, encoder), None)
            kept[picture.box, encoder] = picture
        total = sum(picture.image_bytes for picture in kept.values())
        # The newest stays even if it is too large: the picture of a large screen above all.
        while len(kept) > MAX_PICTURES or (total > MAX_BYTES and len(kept) > 1):
            total -= kept.pop(next(iter(kept))).image_bytes

    def _touch(self, picture: Picture, encoder: ImageEncoder) -> None:
        """Somebody has asked for it."""
        self._kept[picture.box, encoder] = self._kept.pop((picture.box, encoder))

    def _drop(self, pictures: Iterable[Picture], encoder: ImageEncoder) -> None:
        """They cannot be encoded."""
        self._latest = None
        for picture in pictures:
            picture.finish(None, 0)
            if self._kept.get((picture.box, encoder)) is picture:
                del self._kept[picture.box, encoder]


def when_encoded(pictures: Sequence[Picture], done: Callable[[], None]) -> bool:
    """Whether all are encoded; if not, `done` is called when they are."""
    for picture in pictures:
        if picture.job is not None:
            picture.job.waiting.append(partial(_wait_on, pictures, done))
            return False
    return True


def _wait_on(pictures: Sequence[Picture], done: Callable[[], None]) -> None:
    if when_encoded(pictures, done):
        done()


def overlap(one: Box, other: Box) -> bool:
    """Whether they share a pixel."""
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.bottom
        and other.top < one.bottom
    )
