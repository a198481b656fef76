"""The messages that put pixels on a viewer's primary surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redspice.display.framebuffer import BYTES_PER_PIXEL, Box
from redspice_protocol.display import (
    MsgDisplayDrawCopy,
    MsgDisplayMonitorsConfig,
    MsgDisplaySurfaceCreate,
)
from redspice_protocol.enums import (
    BitmapFlags,
    BitmapFmt,
    ClipType,
    ImageScaleMode,
    ImageType,
    Ropd,
    SurfaceFlags,
    SurfaceFmt,
)
from redspice_protocol.structs import (
    BinaryData,
    BitmapData,
    Clip,
    Copy,
    DisplayBase,
    Head,
    Image,
    ImageDescriptor,
    Point,
    QMask,
    Rect,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redspice.display.compression import EncodedImage
    from redspice.interfaces import Monitor

PRIMARY_SURFACE = 0


def surface_message(width: int, height: int) -> MsgDisplaySurfaceCreate:
    """The primary surface, in the framebuffer's format."""
    return MsgDisplaySurfaceCreate(
        surface_id=PRIMARY_SURFACE,
        width=width,
        height=height,
        format=SurfaceFmt.FMT_32_xRGB,
        flags=SurfaceFlags.PRIMARY,
    )


def copy_message(box: Box, image: EncodedImage, image_id: int) -> MsgDisplayDrawCopy:
    """Put a picture of the size of `box` where `box` is."""
    base = DisplayBase(
        surface_id=PRIMARY_SURFACE,
        box=Rect(top=box.top, left=box.left, bottom=box.bottom, right=box.right),
        clip=Clip(type=ClipType.NONE, rects=None),
    )
    copy = Copy(
        src_bitmap=image_message(image, image_id),
        src_area=Rect(top=0, left=0, bottom=box.height, right=box.width),
        rop_descriptor=Ropd.OP_PUT,
        scale_mode=ImageScaleMode.INTERPOLATE,
        mask=QMask(flags=0, pos=Point(x=0, y=0), bitmap=None),
    )
    return MsgDisplayDrawCopy(base=base, data=copy)


def image_message(image: EncodedImage, image_id: int) -> Image:
    """An image that nobody keeps in a cache."""
    descriptor = ImageDescriptor(
        id=image_id, type=image.type, flags=0, width=image.width, height=image.height
    )
    if image.type is ImageType.BITMAP:
        return Image(descriptor=descriptor, u=_bitmap(image))
    return Image(descriptor=descriptor, u=BinaryData(data=image.data))


def _bitmap(image: EncodedImage) -> BitmapData:
    return BitmapData(
        format=BitmapFmt.FMT_32BIT,
        flags=BitmapFlags.TOP_DOWN,
        x=image.width,
        y=image.height,
        stride=image.width * BYTES_PER_PIXEL,
        palette_id=None,
        palette=None,
        data=image.data,
    )


def monitors_message(monitors: Sequence[Monitor]) -> MsgDisplayMonitorsConfig:
    """Where on the primary surface the heads are."""
    heads = [
        Head(
            monitor_id=monitor.id,
            surface_id=PRIMARY_SURFACE,
            width=monitor.width,
            height=monitor.height,
            x=monitor.x,
            y=monitor.y,
            flags=0,
        )
        for monitor in monitors
    ]
    return MsgDisplayMonitorsConfig(max_allowed=len(heads), heads=heads)
