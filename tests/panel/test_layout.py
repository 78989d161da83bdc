"""The plate on displays of every size: nothing hangs over, and what one plays with is in reach."""

from typing import List

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from .conftest import Browser, Panel

PHONE = (390, 844)
SIZES = [PHONE, (820, 1180), (1440, 900)]
GATES = ["[aria-label='Gate 1'].gate-button", "[aria-label='Gate 2'].gate-button"]


@pytest.mark.parametrize("width", [320, 360, 620, 800, 940, 1280])
def test_no_width_scrolls_sideways(page: Browser, panel: Panel, width: int) -> None:
    page.size(width, 800)
    page.until("return document.documentElement.scrollWidth <= arguments[0]", width)
    outside = page.run(
        """
        const nodes = [...document.querySelectorAll("main *")].filter((node) => node.getClientRects().length);
        return nodes.filter((node) => {
          const box = node.getBoundingClientRect();
          return box.left < -0.5 || box.right > innerWidth + 0.5;
        }).map((node) => node.className.baseVal || node.className || node.tagName);
        """
    )
    assert outside == []


def test_a_phone_has_one_column(page: Browser, panel: Panel) -> None:
    page.size(360, 800)
    lefts = page.run(
        """
        return [...document.querySelectorAll(".block, .strip")].map((node) => {
          const box = node.getBoundingClientRect();
          return [Math.round(box.left), Math.round(box.width)];
        });
        """
    )
    assert len({tuple(box) for box in lefts}) == 1


def _rects(page: Browser, css: List[str]) -> List[List[float]]:
    """Return left, top, right, bottom of elements in the window."""
    found: List[List[float]] = page.run(
        """
        return arguments[0].map((css) => {
          const box = document.querySelector(css).getBoundingClientRect();
          return [box.left, box.top, box.right, box.bottom];
        });
        """,
        css,
    )
    return found


@pytest.mark.parametrize("size", SIZES + [(360, 740), (412, 915)], ids=str)
def test_what_one_plays_with_is_in_view_without_scrolling(
    page: Browser, panel: Panel, size: "tuple[int, int]"
) -> None:
    page.size(*size)
    parts = ["#oled", "[aria-label=Encoder]", "#scope", ".meter", "[aria-label=Level]"] + GATES
    # The picture is fitted a moment after its glass.
    page.until("return document.getElementById('oled').getBoundingClientRect().left >= 0")
    boxes = _rects(page, parts)
    for part, (left, top, right, bottom) in zip(parts, boxes):
        assert 0 <= left < right <= size[0], part
        assert 0 <= top < bottom <= size[1], part
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_two_parts_of_the_plate_overlap(
    page: Browser, panel: Panel, size: "tuple[int, int]"
) -> None:
    page.size(*size)
    # Buttons of a phone's gates lie outside their strips, on the bar.
    overlaps = page.run(
        """
        const boxes = [];
        for (const group of ["main > *", ".strip", ".bar", ".strip > *", ".face-side > *", ".output-side > *"]) {
          const nodes = [...document.querySelectorAll(group)].filter(
            (node) => node.getClientRects().length && getComputedStyle(node).position !== "fixed");
          nodes.forEach((a, i) => nodes.slice(i + 1).forEach((b) => {
            const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
            const width = Math.min(p.right, q.right) - Math.max(p.left, q.left);
            const height = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
            if (width > 0.5 && height > 0.5) boxes.push([a.className, b.className, width, height]);
          }));
        }
        return boxes;
        """
    )
    assert overlaps == []


@pytest.mark.parametrize("size", [PHONE, (844, 390)], ids=str)
@pytest.mark.parametrize("lost", [False, True])
def test_a_phones_gates_stay_in_reach_and_hide_nothing(
    page: Browser, panel: Panel, size: "tuple[int, int]", lost: bool
) -> None:
    page.size(*size)
    page.run("document.body.classList.toggle('lost', arguments[0])", lost)
    page.run("scrollTo(0, document.documentElement.scrollHeight)")
    boxes = _rects(page, GATES)
    for css, (left, top, right, bottom) in zip(GATES, boxes):
        hit = "return document.elementFromPoint(...arguments[0]).closest(arguments[1]) !== null"
        assert page.run(hit, [(left + right) / 2, (top + bottom) / 2], css)
        assert bottom <= size[1] and bottom - top >= 48
    assert _rects(page, [".foot"])[0][3] <= min(box[1] for box in boxes)
    if not lost:
        ActionChains(page.driver).click_and_hold(page.find(GATES[1])).perform()
        panel.until(lambda link: link.gates[1]["down"], "gate 2 is down")
        ActionChains(page.driver).release().perform()
        panel.until(lambda link: not link.gates[1]["down"], "gate 2 is up")


def test_a_focused_control_is_not_under_the_bar(page: Browser, panel: Panel) -> None:
    page.size(*PHONE)
    bar = min(box[1] for box in _rects(page, GATES))
    for index in range(1, 5):
        css = "[aria-label='CV %d depth']" % index
        page.run("document.querySelector(arguments[0]).scrollIntoView({block: 'end'})", css)
        assert _rects(page, [css])[0][3] <= bar
