"""Where the parts of the demo desktop lie, and its test card."""

from __future__ import annotations

import pytest

from redspice.sources import testcard
from redspice.sources.area import Area
from redspice.sources.demo import Demo
from redspice.sources.layout import Layout, Part, layout
from runtime.sources_stage import SIZES, colors_in, picture_of


def card_of(plan: Layout) -> testcard.TestCard:
    assert plan.card is not None
    return plan.card


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_windows_lie_inside_the_screen_below_the_bar_and_apart(width: int, height: int) -> None:
    plan = layout(width, height)
    assert plan.bar is not None
    assert Part.CARD in plan.windows
    boxes = [window.box for window in plan.windows.values()]
    for box in boxes:
        assert box.union(Area(0, 0, width, height)) == (0, 0, width, height)
        assert box.top > plan.bar.bottom
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            across = min(one.right, other.right) - max(one.left, other.left)
            down = min(one.bottom, other.bottom) - max(one.top, other.top)
            assert across < 0 or down < 0


@pytest.mark.parametrize("size", [size for size in SIZES if size != (320, 200)])
def test_every_window_fits_common_screens(size: tuple[int, int]) -> None:
    assert set(layout(*size).windows) == set(Part)


def test_windows_that_do_not_fit_are_left_out() -> None:
    assert set(layout(320, 200).windows) == {Part.CARD}
    assert layout(100, 100).windows == {}
    assert layout(1, 1).bar is None


def test_everything_grows_with_the_screen() -> None:
    units = [layout(*size).unit for size in [(640, 480), (1024, 768), (1920, 1080), (3840, 2160)]]
    assert units == sorted(set(units))


# test card


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_card_has_its_colours_where_it_says(width: int, height: int) -> None:
    demo = Demo(width, height, frozen=True)
    picture, card = picture_of(demo.framebuffer), card_of(demo.desktop.layout)
    for area, color in (*card.bars, *card.greys):
        assert colors_in(picture, area) == {color}


def test_the_parts_of_the_card_cover_it() -> None:
    card = testcard.TestCard(7, 9, 5)
    parts = [*(area for area, _ in (*card.bars, *card.greys)), card.checkerboard]
    assert sum(area.width * area.height for area in parts) == card.box.width * card.box.height
    whole = parts[0]
    for part in parts:
        whole = whole.union(part)
    assert whole == card.box == (7, 9, 7 + 32 * 5, 9 + 18 * 5)


def test_the_checkerboard_alternates_single_pixels() -> None:
    demo = Demo(1024, 768, frozen=True)
    board = card_of(demo.desktop.layout).checkerboard
    picture = picture_of(demo.framebuffer).crop(board)
    for y in range(4):
        for x in range(5):
            expected = testcard.WHITE if (x + y) % 2 == 0 else testcard.BLACK
            assert picture.getpixel((x, y)) == expected
    assert colors_in(picture, Area(0, 0, *picture.size)) == {testcard.WHITE, testcard.BLACK}
