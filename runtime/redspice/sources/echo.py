"""The window that shows what the viewer's keyboard and pointer do.

Three panels, each redrawn on its own: keys pressed lately, the line of text they typed, and the
pointer on a small map of the screen.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from redspice.sources import paint
from redspice.sources.area import Area
from redspice.sources.frames import TEXT
from redspice.sources.layout import Layout, Window
from redspice.sources.pointer import Pointer
from redspice.sources.typist import RECENT_STEP, TEXT_STEP, Typist
from redspice_protocol.enums import MouseButtonMask

LABEL = 0.95
"""Height of the small captions, in units."""

BUTTONS: tuple[tuple[str, int], ...] = (
    ("L", MouseButtonMask.LEFT),
    ("M", MouseButtonMask.MIDDLE),
    ("R", MouseButtonMask.RIGHT),
)

PRESS_A_KEY = "press a key"
TYPE_HERE = "type something"


@dataclass(frozen=True, slots=True)
class EchoPanels:
    """Where the panels are on the screen, and how large a unit is."""

    layout: Layout
    keys: Area
    text: Area
    pointer: Area


def panels(layout: Layout, window: Window) -> EchoPanels:
    """Divide the inside of the echo window."""
    body = window.body
    caps = body.top + layout.px(4.6)
    line = caps + layout.px(4.6)
    return EchoPanels(
        layout,
        Area(body.left, body.top, body.right, caps),
        Area(body.left, caps, body.right, line),
        Area(body.left, line, body.right, body.bottom),
    )


def draw_keys(picture: Image.Image, layout: Layout, typist: Typist) -> None:
    """The keys pressed lately as key caps, the newest last; those still held are filled.

    Where not all fit, the oldest go, several at once.
    """
    size, pad = layout.px(TEXT), layout.px(0.55)
    top, height = _caption(picture, layout, "KEYS"), layout.px(2.2)
    middle = top + height // 2
    if not typist.recent:
        paint.write(picture, (0, middle), PRESS_A_KEY, size, paint.FAINT)
    keys, gap = typist.keys[::-1], layout.px(0.4)
    widths = [max(height, paint.text_width(name, size) + 2 * pad) for name, _ in keys]
    while sum(widths) + gap * (len(widths) - 1) > picture.width:
        gone = RECENT_STEP if len(keys) > RECENT_STEP else 1
        del keys[:gone], widths[:gone]
    left = 0
    for (name, held), width in zip(keys, widths, strict=True):
        _cap(picture, layout, Area.at(left, top, width, height), name, held)
        left += width + gap


def draw_text(picture: Image.Image, layout: Layout, typist: Typist) -> None:
    """The line typed so far, its end in view, and a caret."""
    size, pad = layout.px(TEXT), layout.px(0.7)
    top = _caption(picture, layout, "TEXT")
    field = Area(0, top, picture.width, top + layout.px(2.2))
    paint.framed(picture, field, layout.px(0.4), paint.LINE, (255, 255, 255))
    middle, room = field.center[1], field.width - 2 * pad - 2
    text = typist.text
    while text and paint.text_width(text, size) > room:
        text = text[TEXT_STEP if len(text) > TEXT_STEP else 1 :]
    caret = field.left + pad + paint.text_width(text, size) + 1
    if text:
        paint.write(picture, (field.left + pad, middle), text, size)
    else:
        paint.write(picture, (caret + pad, middle), TYPE_HERE, size, paint.FAINT)
    half = round(size * 0.6)
    ImageDraw.Draw(picture).rectangle(
        (caret, middle - half, caret + max(0, layout.unit // 12), middle + half), fill=paint.ACCENT
    )


def draw_pointer(picture: Image.Image, layout: Layout, pointer: Pointer) -> None:
    """The pointer on a map of the screen, its position, its buttons and the wheel."""
    top = _caption(picture, layout, "POINTER")
    room = Area(0, top, layout.px(15), picture.height)
    width = min(room.width, room.height * pointer.width // pointer.height)
    height = max(1, min(room.height, width * pointer.height // pointer.width))
    screen = Area.at(0, top, max(1, width), height)
    _map(picture, layout, screen, pointer)
    left = screen.right + layout.px(1.5)
    size, cap = layout.px(TEXT), layout.px(2.2)
    paint.write(picture, (left, top), f"x {pointer.x}", size, anchor="lt")
    paint.write(picture, (left + layout.px(6.5), top), f"y {pointer.y}", size, anchor="lt")
    cap_top = top + layout.px(1.9)
    for i, (name, mask) in enumerate(BUTTONS):
        box = Area.at(left + i * (cap + layout.px(0.4)), cap_top, cap, cap)
        _cap(picture, layout, box, name, bool(pointer.buttons & mask))
    mode = "absolute" if pointer.absolute else "relative"
    status = f"wheel {pointer.wheel}   {mode}"
    paint.write(picture, (left, cap_top + cap + layout.px(0.7)), status, size, paint.FAINT, "lt")


def _map(picture: Image.Image, layout: Layout, area: Area, pointer: Pointer) -> None:
    """A small screen with a crosshair through the pointer and a dot on it."""
    paint.framed(picture, area, layout.px(0.4), paint.LINE, (240, 243, 249))
    inside = area.inset(1)
    if inside.width < 1 or inside.height < 1:
        return
    x = inside.left + pointer.x * inside.width // pointer.width
    y = inside.top + pointer.y * inside.height // pointer.height
    draw, hair = ImageDraw.Draw(picture), paint.fade(paint.ACCENT, paint.PAPER, 0.45)
    draw.line((inside.left, y, inside.right - 1, y), fill=hair)
    draw.line((x, inside.top, x, inside.bottom - 1), fill=hair)
    color = paint.CORAL if pointer.buttons else paint.ACCENT
    dot = Image.new("RGB", picture.size)
    dot.paste(picture)
    paint.disc(dot, (x, y), layout.px(0.9), color)
    picture.paste(dot.crop(inside), (inside.left, inside.top))


def _caption(picture: Image.Image, layout: Layout, text: str) -> int:
    """A small grey heading at the top of a panel; where the room below it starts."""
    size = layout.px(LABEL)
    paint.write(picture, (0, 0), text, size, paint.FAINT, "lt")
    return max(size, paint.FONT_MIN) + layout.px(0.35)


def _cap(picture: Image.Image, layout: Layout, box: Area, name: str, down: bool) -> None:
    """A key cap: white with a thick lower edge, filled and flat while it is down."""
    radius, lift = layout.px(0.4), 0 if down else max(1, layout.unit // 8)
    edge = paint.ACCENT if down else paint.fade(paint.LINE, paint.FAINT, 0.25)
    paint.rounded(picture, box, radius, edge)
    face = Area(box.left + 1, box.top + 1, box.right - 1, box.bottom - 1 - lift)
    paint.rounded(picture, face, radius - 1, paint.ACCENT if down else (255, 255, 255))
    color = (255, 255, 255) if down else paint.INK
    paint.write(picture, face.center, name, layout.px(TEXT), color, "mm")
