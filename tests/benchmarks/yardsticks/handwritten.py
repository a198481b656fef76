"""The three messages by hand, as an expert writes them for speed: merged runs, slotted dataclasses.

Each function takes or gives a whole message with its mini header. Only what the benchmark needs is
there: no clip rectangles, no masks, one kind of image.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class MousePosition:
    x: Any
    y: Any
    buttons_state: Any
    display_id: Any


@dataclass(slots=True)
class ChannelId:
    type: Any
    id: Any


@dataclass(slots=True)
class ChannelsList:
    channels: Any


@dataclass(slots=True)
class Rect:
    top: Any
    left: Any
    bottom: Any
    right: Any


@dataclass(slots=True)
class Point:
    x: Any
    y: Any


@dataclass(slots=True)
class Clip:
    type: Any
    rects: Any


@dataclass(slots=True)
class DisplayBase:
    surface_id: Any
    box: Any
    clip: Any


@dataclass(slots=True)
class QMask:
    flags: Any
    pos: Any
    bitmap: Any


@dataclass(slots=True)
class ImageDescriptor:
    id: Any
    type: Any
    flags: Any
    width: Any
    height: Any


@dataclass(slots=True)
class BinaryData:
    data: Any


@dataclass(slots=True)
class Image:
    descriptor: Any
    u: Any


@dataclass(slots=True)
class Copy:
    src_bitmap: Any
    src_area: Any
    rop_descriptor: Any
    scale_mode: Any
    mask: Any


@dataclass(slots=True)
class DrawCopy:
    base: Any
    data: Any


_header = struct.Struct("<HI")
_read_header = _header.unpack_from
_read_mouse = struct.Struct("<IIHB").unpack_from
_pack_mouse = struct.Struct("<HIIIHB").pack
_count = struct.Struct("<I")
_read_count = _count.unpack_from
_channel = struct.Struct("BB")
_read_draw = struct.Struct("<I4iBI4iHBBiiI").unpack_from
_pack_draw = struct.Struct("<HII4iBI4iHBBiiIQBBIII").pack
_read_image = struct.Struct("<QBBII").unpack_from


def _mouse(view: memoryview, at: int, stop: int) -> MousePosition:
    if stop - at < 11:
        raise ValueError("truncated")
    return MousePosition(*_read_mouse(view, at))


def _channels(view: memoryview, at: int, stop: int) -> ChannelsList:
    if stop - at < 4:
        raise ValueError("truncated")
    (count,) = _read_count(view, at)
    at += 4
    end = at + 2 * count
    if end > stop:
        raise ValueError("truncated")
    return ChannelsList([ChannelId(a, b) for a, b in _channel.iter_unpack(view[at:end])])


def _image(view: memoryview, at: int, start: int, stop: int) -> Image | None:
    if at <= 0:
        return None
    at += start
    if at + 22 > stop:
        raise ValueError("truncated")
    id_, type_, flags, width, height = _read_image(view, at)
    at += 18
    if type_ not in (1, 101, 102, 105, 109):
        raise ValueError("not in this benchmark")
    (size,) = _read_count(view, at)
    at += 4
    if at + size > stop:
        raise ValueError("truncated")
    data = BinaryData(view[at : at + size])
    return Image(ImageDescriptor(id_, type_, flags, width, height), data)


def _draw(view: memoryview, at: int, stop: int) -> DrawCopy:
    if stop - at < 57:
        raise ValueError("truncated")
    if view[at + 20]:
        raise ValueError("not in this benchmark")
    (sid, t, left, b, r, ct, ip, st, sl, sb, sr, rop, scale, mf, mx, my, mb) = _read_draw(view, at)
    image = _image(view, ip, at, stop)
    mask = _image(view, mb, at, stop)
    return DrawCopy(
        DisplayBase(sid, Rect(t, left, b, r), Clip(ct, None)),
        Copy(image, Rect(st, sl, sb, sr), rop, scale, QMask(mf, Point(mx, my), mask)),
    )


_PARSERS = {112: _mouse, 104: _channels, 304: _draw}


def parse(view: memoryview) -> Any:
    type_, size = _read_header(view, 0)
    return _PARSERS[type_](view, 6, 6 + size)


def build_mouse_position(m: MousePosition) -> bytes:
    return _pack_mouse(112, 11, m.x, m.y, m.buttons_state, m.display_id)


def build_channels_list(m: ChannelsList) -> bytes:
    c = m.channels
    n = len(c)
    body = b"".join([_channel.pack(x.type, x.id) for x in c])
    return _header.pack(104, 4 + 2 * n) + _count.pack(n) + body


def build_draw_copy(m: DrawCopy) -> bytes:
    b, d = m.base, m.data
    x, s, k, i = b.box, d.src_area, d.mask, d.src_bitmap
    p, e = k.pos, i.descriptor
    if b.clip.type != 0 or k.bitmap is not None or e.type != 1:
        raise ValueError("not in this benchmark")
    data = i.u.data
    n = len(data)
    # fmt: off
    head = _pack_draw(
        304, 79 + n, b.surface_id, x.top, x.left, x.bottom, x.right, 0, 57,
        s.top, s.left, s.bottom, s.right, d.rop_descriptor, d.scale_mode,
        k.flags, p.x, p.y, 0, e.id, e.type, e.flags, e.width, e.height, n,
    )
    # fmt: on
    return b"".join((head, data))


BUILDERS: dict[str, Any] = {
    "mouse_position": build_mouse_position,
    "channels_list": build_channels_list,
    "draw_copy": build_draw_copy,
}
