"""The presets in the page, by mouse and by keyboard, with real files behind them."""

from pathlib import Path
from typing import Any, Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from neurorave_device.face.catch_up import CatchUp
from neurorave_device.face_process.preset_desk import PresetDesk

from .conftest import Browser, Panel, wait_for

NAMES = "return [...document.querySelectorAll('#preset-list option')].map((row) => row.value)"


class Desk(PresetDesk):
    """Writes at once, in the thread of the face."""

    def __init__(self, link: Any, folder: Path) -> None:
        super().__init__(link, str(folder), lambda job: job(), link.clock, CatchUp())


@pytest.fixture
def desk(browser: Browser, tmp_path: Path) -> Iterator[Panel]:
    """A page with presets, unfolded."""
    found = Panel()
    found.memory = Desk(found.link, tmp_path)
    found.start()
    browser.size(1280, 860)
    browser.open(found.url)
    browser.until("return !document.getElementById('presets').hidden")
    browser.find("#presets summary").click()
    yield found
    browser.driver.get("about:blank")
    found.stop()


def _says(page: Browser, text: str) -> None:
    page.until("return document.getElementById('notice').textContent.includes(arguments[0])", text)


def test_without_a_memory_there_are_no_presets(page: Browser, panel: Panel) -> None:
    assert page.run("return document.getElementById('presets').hidden")


def test_presets_are_saved_loaded_renamed_and_deleted(browser: Browser, desk: Panel) -> None:
    assert browser.run("return document.getElementById('preset-load').disabled")
    desk.link.set("level", -9.0)
    browser.find("#preset-name").send_keys("Rain <b>on</b> tin")
    browser.find("#preset-save").click()
    browser.until(NAMES + ".join() === 'Rain <b>on</b> tin'")
    _says(browser, "'Rain <b>on</b> tin' is saved.")
    desk.link.set("level", 0.0)
    browser.find("#preset-load").click()
    wait_for(lambda: desk.link.values["level"] == -9.0, "the preset's level")
    _says(browser, "is loaded")
    browser.run("document.getElementById('preset-name').value = 'Hail'")
    browser.find("#preset-rename").click()
    browser.until(NAMES + ".join() === 'Hail'")
    browser.find("#preset-delete").click()
    assert browser.find("#preset-delete").text == "Really delete?"
    assert browser.run(NAMES) == ["Hail"]
    browser.find("#preset-delete").click()
    browser.until(NAMES + ".length === 0")
    assert browser.find("#preset-delete").text == "Delete"
    assert browser.complaints() == []


def test_a_preset_is_replaced_only_when_asked_twice(browser: Browser, desk: Panel) -> None:
    desk.link.set("level", -3.0)
    browser.find("#preset-name").send_keys("mine")
    browser.find("#preset-save").click()
    browser.until(NAMES + ".join() === 'mine'")
    desk.link.set("level", -4.0)
    browser.find("#preset-save").click()
    assert browser.find("#preset-save").text == "Replace it?"
    assert desk.memory.said()[0] == 1
    browser.find("#preset-save").click()
    wait_for(lambda: desk.memory.said()[0] == 2, "the second save")
    desk.memory.load_preset("mine")
    assert desk.link.values["level"] == -4.0


def test_all_of_it_works_by_keyboard_and_typing_plays_no_gate(
    browser: Browser, desk: Panel
) -> None:
    browser.run("document.getElementById('preset-name').focus()")
    ActionChains(browser.driver).send_keys("as", Keys.ENTER).perform()
    browser.until(NAMES + ".join() === 'as'")
    assert desk.link.struck < 0
    desk.link.set("level", -5.0)
    browser.run("document.getElementById('preset-list').focus()")
    ActionChains(browser.driver).send_keys(Keys.TAB, Keys.ENTER).perform()
    wait_for(lambda: desk.link.values["level"] == 0.0, "the preset's level")


def test_a_name_that_is_not_allowed_is_said(browser: Browser, desk: Panel) -> None:
    browser.find("#preset-save").click()
    _says(browser, "allowed is any text")
    assert browser.run(NAMES) == []


@pytest.mark.parametrize("width", [320, 620, 1280])
def test_no_width_scrolls_sideways_with_presets(browser: Browser, desk: Panel, width: int) -> None:
    browser.size(width, 800)
    assert browser.until("return document.documentElement.scrollWidth <= arguments[0]", width)
