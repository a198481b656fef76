"""The three messages declared in construct. The image of draw_copy stands behind its fixed part."""

from __future__ import annotations

from typing import Any

from construct import (
    Array,
    Bytes,
    If,
    Int8ul,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64ul,
    PrefixedArray,
    Struct,
    Switch,
    this,
)

HEADER: Any = Struct("type" / Int16ul, "size" / Int32ul)
RECT: Any = Struct("top" / Int32sl, "left" / Int32sl, "bottom" / Int32sl, "right" / Int32sl)
POINT: Any = Struct("x" / Int32sl, "y" / Int32sl)
BINARY: Any = Struct("data_size" / Int32ul, "data" / Bytes(this.data_size))
IMAGE: Any = Struct(
    "id" / Int64ul,
    "type" / Int8ul,
    "flags" / Int8ul,
    "width" / Int32ul,
    "height" / Int32ul,
    "u" / Switch(this.type, {1: BINARY}),
)
DRAW: Any = Struct(
    "surface_id" / Int32ul,
    "box" / RECT,
    "clip_type" / Int8ul,
    "rects" / If(this.clip_type == 1, PrefixedArray(Int32ul, RECT)),
    "src_bitmap_at" / Int32ul,
    "src_area" / RECT,
    "rop" / Int16ul,
    "scale" / Int8ul,
    "mask" / Struct("flags" / Int8ul, "pos" / POINT, "bitmap_at" / Int32ul),
)
MOUSE: Any = Struct("x" / Int32ul, "y" / Int32ul, "buttons_state" / Int16ul, "display_id" / Int8ul)
CHANNEL: Any = Struct("type" / Int8ul, "id" / Int8ul)
CHANNELS: Any = Struct("n" / Int32ul, "channels" / Array(this.n, CHANNEL))

MESSAGES: dict[str, Any] = {
    "mouse_position": Struct("header" / HEADER, "body" / MOUSE),
    "channels_list": Struct("header" / HEADER, "body" / CHANNELS),
    "draw_copy": Struct("header" / HEADER, "body" / Struct("draw" / DRAW, "image" / IMAGE)),
}
