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


def copy_message(box: Box, pixels: bytes, image_id: int) -> MsgDisplayDrawCopy:
    """Put BGRX `pixels`, rows from the top without padding, where `box` is."""
    base = DisplayBase(
        surface_id=PRIMARY_SURFACE,
        box=Rect(top=box.top, left=box.left, bottom=box.bottom, right=box.right),
        clip=Clip(type=ClipType.NONE, rects=None),
    )
    copy = Copy(
        src_bitmap=bitmap(box.width, box.height, pixels, image_id),
        src_area=Rect(top=0, left=0, bottom=box.height, right=box.width),
        rop_descriptor=Ropd.OP_PUT,
        scale_mode=ImageScaleMode.INTERPOLATE,
        mask=QMask(flags=0, pos=Point(x=0, y=0), bitmap=None),
    )
    return MsgDisplayDrawCopy(base=base, data=copy)


def bitmap(width: int, height: int, pixels: bytes, image_id: int) -> Image:
    """An uncompressed image that nobody keeps in a cache."""
    descriptor = ImageDescriptor(
        id=image_id, type=ImageType.BITMAP, flags=0, width=width, height=height
    )
    data = BitmapData(
        format=BitmapFmt.FMT_32BIT,
        flags=BitmapFlags.TOP_DOWN,
        x=width,
        y=height,
        stride=width * BYTES_PER_PIXEL,
        palette_id=None,
        palette=None,
        data=pixels,
    )
    return Image(descriptor=descriptor, u=data)


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
