"""Where the parts of the demo desktop go at a given size.

Everything is measured in one unit, a whole number of pixels that grows with the screen. The
windows are set in rows; the first arrangement of `ARRANGEMENTS` that fits is taken, so a small
screen has fewer windows and a tiny one only the wallpaper.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from redspice.sources import testcard
from redspice.sources.area import Area

ROOMY: tuple[tuple[int, int], ...] = ((78, 52), (38, 72))
"""Widths and heights, in units, on which all windows have air around them: wide and tall."""

UNIT_MIN = 6
"""Below this the text of a window cannot be read."""

BAR_HEIGHT = 3.0
TITLE_HEIGHT = 2.5
PADDING = 1.0
GAP = 1.75
MARGIN = 0.75
MOTION_BODY = 6.0


class Part(Enum):
    """The windows, by title."""

    CARD = "Test card"
    ECHO = "Input echo"
    MOTION = "Motion"


ARRANGEMENTS: tuple[tuple[tuple[Part, ...], ...], ...] = (
    ((Part.CARD, Part.ECHO), (Part.MOTION,)),
    ((Part.CARD, Part.ECHO),),
    ((Part.CARD,), (Part.ECHO,), (Part.MOTION,)),
    ((Part.CARD,), (Part.ECHO,)),
    ((Part.CARD,),),
)


@dataclass(frozen=True, slots=True)
class Window:
    """The outer box of a window, its title bar and the area inside its padding."""

    part: Part
    box: Area
    title: Area
    body: Area


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes for a desktop; `bar` is None on a screen too small for text."""

    width: int
    height: int
    unit: int
    bar: Area | None
    windows: dict[Part, Window]

    @property
    def card(self) -> testcard.TestCard | None:
        """The test card, if its window fits."""
        window = self.windows.get(Part.CARD)
        if window is None:
            return None
        return testcard.TestCard(window.body.left, window.body.top, self.unit)

    def px(self, units: float) -> int:
        """Units in whole pixels, at least one."""
        return max(1, round(units * self.unit))


def layout(width: int, height: int) -> Layout:
    """The layout of a desktop of this size in pixels."""
    unit = max(UNIT_MIN, *(min(width // across, height // down) for across, down in ROOMY))
    bar_height = round(BAR_HEIGHT * unit)
    roomy = width >= 16 * unit and height >= 2 * bar_height
    result = Layout(width, height, unit, Area(0, 0, width, bar_height) if roomy else None, {})
    for rows in ARRANGEMENTS:
        boxes = _place(result, rows)
        if boxes is not None:
            result.windows.update({part: _window(result, part, box) for part, box in boxes.items()})
            break
    return result


def _place(desk: Layout, rows: tuple[tuple[Part, ...], ...]) -> dict[Part, Area] | None:
    """The windows of each row, centred below the bar; None if they do not fit."""
    gap, margin = desk.px(GAP), desk.px(MARGIN)
    width = max(_row_width(desk, row) for row in rows)
    heights = [max(_height(desk, part) for part in row) for row in rows]
    height = sum(heights) + gap * (len(rows) - 1)
    sky = desk.bar.bottom if desk.bar else 0
    if width + 2 * margin > desk.width or height + 2 * margin > desk.height - sky:
        return None
    left, top = (desk.width - width) // 2, sky + (desk.height - sky - height) // 2
    placed: dict[Part, Area] = {}
    for row, row_height in zip(rows, heights, strict=True):
        x = left
        for part in row:
            wide = width if len(row) == 1 else _column(desk)
            placed[part] = Area.at(x, top, wide, row_height)
            x += wide + gap
        top += row_height + gap
    return placed


def _column(desk: Layout) -> int:
    return desk.unit * testcard.WIDTH + 2 * desk.px(PADDING)


def _row_width(desk: Layout, row: tuple[Part, ...]) -> int:
    return len(row) * _column(desk) + (len(row) - 1) * desk.px(GAP)


def _height(desk: Layout, part: Part) -> int:
    body = desk.px(MOTION_BODY) if part is Part.MOTION else desk.unit * testcard.HEIGHT
    return desk.px(TITLE_HEIGHT) + body + 2 * desk.px(PADDING)


def _window(desk: Layout, part: Part, box: Area) -> Window:
    title = Area(box.left, box.top, box.right, box.top + desk.px(TITLE_HEIGHT))
    body = Area(box.left, title.bottom, box.right, box.bottom).inset(desk.px(PADDING))
    return Window(part, box, title, body)
