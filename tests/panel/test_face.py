"""The whole face in a browser: the same pages and gestures as on the module, and jacks that have to be calibrated."""

from pathlib import Path
from typing import Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions import interaction
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.keys import Keys

from neurorave_device.face.pages.dialog_page import ordered

from .conftest import Browser, Panel, wait_for

ENCODER = "[role=slider][aria-label='Encoder']"


@pytest.fixture
def whole(browser: Browser, tmp_path: Path) -> Iterator[Panel]:
    """A page on a module with presets, a workshop and procedures."""
    found = Panel()
    found.equip(tmp_path)
    found.start()
    browser.size(1280, 860)
    browser.open(found.url)
    browser.run("document.querySelector(arguments[0]).focus()", ENCODER)
    yield found
    browser.driver.get("about:blank")
    found.stop()


def _keys(page: Browser, *keys: str) -> None:
    ActionChains(page.driver).send_keys(*keys).perform()


def _turn(page: Browser, steps: int) -> None:
    _keys(page, *([Keys.ARROW_RIGHT if steps > 0 else Keys.ARROW_LEFT] * abs(steps)))


def _open(page: Browser, panel: Panel, title: str) -> None:
    """From the play page by keyboard to a page of the list."""
    menu = panel.face.menu
    _keys(page, Keys.ENTER)
    wait_for(lambda: menu.level == 2, "the list")
    titles = [line.name for line in menu.contents.lines()]
    _turn(page, titles.index(title) - menu.contents.cursor)
    wait_for(lambda: menu.contents.cursor == titles.index(title), "the line of " + title)
    _keys(page, Keys.ENTER)
    wait_for(lambda: menu.level == 3, title)


def _choose(page: Browser, panel: Panel, label: str) -> None:
    found = panel.face.menu.page
    place = [choice.label for choice in ordered(found.view())].index(label)  # type: ignore[attr-defined]
    _turn(page, place - found.cursor)  # type: ignore[attr-defined]
    wait_for(lambda: found.cursor == place, label)  # type: ignore[attr-defined]
    _keys(page, Keys.ENTER)


def _step(panel: Panel, step: str) -> None:
    wait_for(lambda: panel.face.menu.page.view().step == step, step)  # type: ignore[attr-defined]


def test_jacks_with_errors_are_calibrated_on_the_page(browser: Browser, whole: Panel) -> None:
    browser.find("#errors summary").click()
    # 10 % too much, 0.15 V too high, by keyboard.
    browser.run("document.querySelector(\"[aria-label='CV 2 gain']\").focus()")
    _keys(browser, *([Keys.ARROW_UP] * 10))
    browser.run("document.querySelector(\"[aria-label='CV 2 offset']\").focus()")
    _keys(browser, *([Keys.ARROW_UP] * 3))
    wait_for(lambda: whole.link.cv[1]["gain"] == pytest.approx(1.1), "the gain")
    wait_for(lambda: whole.link.cv[1]["offset"] == pytest.approx(0.15), "the offset")
    browser.run("document.querySelector(arguments[0]).focus()", ENCODER)
    _open(browser, whole, "Calibrate")
    browser.until("return document.getElementById('light-word').textContent === 'learning'")
    _choose(browser, whole, "CV 2")
    _choose(browser, whole, "5 V")
    _step(whole, "unplug")
    _choose(browser, whole, "Measure")
    _step(whole, "patch")
    whole.link.cv[1]["volts"] = 5.0
    _choose(browser, whole, "Measure")
    _step(whole, "negative")
    _choose(browser, whole, "Finish")
    _step(whole, "result")
    _choose(browser, whole, "Save")
    _step(whole, "saved")
    for volts in (-5.0, 0.0, 5.0):
        whole.link.cv[1]["volts"] = volts
        assert whole.link.telemetry().volts[1] == pytest.approx(volts, abs=0.01)
    _keys(browser, Keys.ENTER)
    wait_for(lambda: whole.face.menu.level == 2, "back in the list")
    # A double click makes the jack exact again.
    gain = browser.find("[aria-label='CV 2 gain']")
    ActionChains(browser.driver).double_click(gain).perform()
    wait_for(lambda: whole.link.cv[1]["gain"] == 1.0, "an exact gain")
    assert browser.complaints() == []


@pytest.mark.parametrize("by", ["key", "touch"])
def test_four_seconds_and_a_question_reset_the_patch(
    browser: Browser, whole: Panel, by: str
) -> None:
    whole.link.set("seed", 77.0)
    _open(browser, whole, "System")
    _hold(browser, by, 4.3)
    page = whole.face.menu.page
    wait_for(lambda: page._question is not None, "the question")  # type: ignore[attr-defined]
    assert whole.link.values["seed"] == 77.0
    _turn(browser, 1)
    _keys(browser, Keys.ENTER)
    wait_for(lambda: whole.link.values["seed"] == 1.0, "the patch as new")
    # Let go after a second it is a way home, and nothing is lost.
    whole.link.set("seed", 78.0)
    _hold(browser, by, 1.2)
    wait_for(lambda: whole.face.menu.level == 1, "home")
    assert whole.link.values["seed"] == 78.0


def _hold(page: Browser, by: str, seconds: float) -> None:
    dial = page.find(ENCODER)
    if by == "key":
        chain = ActionChains(page.driver).key_down(Keys.ENTER).pause(seconds)
        chain.key_up(Keys.ENTER).perform()
    else:
        finger = PointerInput(interaction.POINTER_TOUCH, "finger")
        actions = ActionBuilder(page.driver, mouse=finger)
        actions.pointer_action.move_to(dial).pointer_down().pause(0.4)
        # A finger that is held that long wanders a little.
        actions.pointer_action.move_to(dial, 5, 3).pause(seconds - 0.4).pointer_up()
        actions.perform()


def test_a_preset_is_saved_under_a_proposed_name_without_writing(
    browser: Browser, whole: Panel
) -> None:
    _open(browser, whole, "Presets")
    _keys(browser, Keys.ENTER)
    wait_for(lambda: whole.face.menu.page._wheel is not None, "the wheel")  # type: ignore[attr-defined]
    _keys(browser, Keys.ENTER)
    wait_for(lambda: whole.memory.presets() == ["hand percussion 1"], "the preset")
    # It is in the list of the page as well.
    browser.until(
        "return [...document.querySelectorAll('#preset-list option')]"
        ".map((row) => row.value).join() === 'hand percussion 1'"
    )


@pytest.mark.parametrize("width", [320, 800])
def test_no_width_scrolls_sideways_with_all_unfolded(
    browser: Browser, whole: Panel, width: int
) -> None:
    browser.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
    browser.size(width, 800)
    assert browser.until("return document.documentElement.scrollWidth <= arguments[0]", width)
    outside = browser.run(
        """
        return [...document.querySelectorAll("details *")].filter((node) => node.getClientRects().length)
          .filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5).length;
        """
    )
    assert outside == 0


def test_a_recording_has_no_jacks_to_be_wrong(browser: Browser) -> None:
    found = Panel()
    found.link.virtual = False
    found.start()
    try:
        browser.open(found.url)
        assert browser.run("return document.getElementById('errors').hidden")
    finally:
        browser.driver.get("about:blank")
        found.stop()
