"""The page in a real browser: it shows what the module says, and does what the hand asks."""

from pathlib import Path
from typing import Any, List

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from neurorave_device.face.link import FAULT
from neurorave_device.parameters import by_id

from .conftest import Browser, Panel, start_browser, wait_for

GATE_1 = "section[aria-label='Gate 1'] .gate-button"
CV_2 = "[role=slider][aria-label='CV 2 voltage']"


def _keys(page: Browser, css: str, *keys: str) -> None:
    """Focus an element and type."""
    page.run("document.querySelector(arguments[0]).focus()", css)
    ActionChains(page.driver).send_keys(*keys).perform()


def test_the_page_opens_and_shows_the_module(page: Browser, panel: Panel) -> None:
    assert "hand percussion" in page.find("#bundle").text
    assert page.run("return neurorave.info.sample_rate") == 44100
    page.until("return document.getElementById('light-word').textContent === 'playing'")
    words = [heading.text for heading in page.driver.find_elements("css selector", ".bar h2")]
    assert [text.split("\n")[0].split(" ")[0] for text in words] == [
        "loudness",
        "brightness",
        "width",
        "sharpness",
        "boom",
    ]
    assert page.complaints() == []


def test_another_bundle_is_chosen_from_those_that_can_be_played(
    page: Browser, panel: Panel
) -> None:
    panel.link.shelf.append(("broken", "broken/bundle.yaml: schema is 7"))
    page.until("return document.querySelectorAll('#bundles option').length === 3")
    rows = page.run(
        "return [...document.querySelectorAll('#bundles option')]"
        ".map((row) => [row.text, row.disabled, row.title, row.selected])"
    )
    assert rows == [
        ["hand percussion", False, "", True],
        ["notes", False, "", False],
        ["broken", True, "broken/bundle.yaml: schema is 7", False],
    ]
    page.run(
        "const list = document.getElementById('bundles'); list.value = 'notes';"
        "list.dispatchEvent(new Event('change'))"
    )
    wait_for(lambda: panel.link.asked_for == ["notes"], "the wish")
    panel.link.message = "notes cannot be played; hand_percussion plays on."
    page.until("return document.getElementById('notice').textContent.includes('plays on')")
    assert page.run("return document.getElementById('bundles').value") == "hand_percussion"
    panel.link.message = ""
    page.until("return document.getElementById('notice').textContent === ''")


def test_the_oled_shows_the_picture_of_the_face_point_by_point(page: Browser, panel: Panel) -> None:
    wait_for(
        lambda: bytes(page.run("return neurorave.picture")) == panel.face.picture, "same picture"
    )
    # What is on the canvas is that picture: the middle of each scaled point is lit or dark as it is there.
    lit = page.run(
        """
        const canvas = document.getElementById("oled");
        const scale = canvas.width / 128;
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const bytes = new Array(1024).fill(0);
        for (let y = 0; y < 64; y += 1) for (let x = 0; x < 128; x += 1) {
          const at = 4 * (Math.floor(y * scale) * canvas.width + Math.floor(x * scale));
          if (data[at] > 128) bytes[y * 16 + (x >> 3)] |= 128 >> (x & 7);
        }
        return [Number.isInteger(scale), bytes];
        """
    )
    assert lit[0] is True
    assert bytes(lit[1]) == panel.face.picture


def test_a_clicked_gate_sounds_in_the_worklet(page: Browser, panel: Panel) -> None:
    page.until("return neurorave.sound.state === 'running'")
    assert page.run("return neurorave.sound.loudest") < 1e-4
    page.find(GATE_1).click()
    page.until("return neurorave.sound.loudest > 0.02")
    assert page.until("return neurorave.frames > 10")
    panel.until(lambda link: not link.gates[0]["down"], "the gate is let go")


def test_a_held_gate_is_down_while_it_is_held(page: Browser, panel: Panel) -> None:
    ActionChains(page.driver).click_and_hold(page.find(GATE_1)).perform()
    panel.until(lambda link: link.gates[0]["down"], "gate 1 is down")
    page.until("return document.getElementById('light-word').textContent === 'gate'")
    ActionChains(page.driver).release().perform()
    panel.until(lambda link: not link.gates[0]["down"], "gate 1 is up")


@pytest.mark.parametrize("key,index", [("a", 0), ("s", 1)])
def test_keys_play_the_gates_from_anywhere(
    page: Browser, panel: Panel, key: str, index: int
) -> None:
    ActionChains(page.driver).key_down(key).perform()
    panel.until(lambda link: link.gates[index]["down"], "the gate is down")
    ActionChains(page.driver).key_up(key).perform()
    panel.until(lambda link: not link.gates[index]["down"], "the gate is up")


def test_leaving_the_page_lets_a_held_gate_go(page: Browser, panel: Panel) -> None:
    ActionChains(page.driver).key_down("a").perform()
    panel.until(lambda link: link.gates[0]["down"], "the gate is down")
    page.driver.get("about:blank")
    panel.until(lambda link: not link.gates[0]["down"], "the gate is up")
    ActionChains(page.driver).key_up("a").perform()
    # And coming back to it connects anew.
    page.driver.back()
    page.until("return window.neurorave && neurorave.connected && neurorave.frames > 0")


def test_what_the_module_does_without_is_said_and_nothing_frozen_is_shown(
    page: Browser, panel: Panel
) -> None:
    panel.link.peak = 0.1
    words = "return document.querySelector('.bar p').textContent"
    width = "return document.querySelector('.bar .track i').getBoundingClientRect().width"
    without = "const e = document.getElementById('eased'); return e.hidden ? '' : e.textContent"
    page.until(words + ".includes('heard')")
    assert page.run(width) > 0 and page.run(without) == ""
    panel.link.measured, panel.link.eased = False, 2
    page.until(words + ".includes('not measured')")
    assert page.run(width) == 0
    assert "meter, screen rate" in page.run(without)
    panel.link.measured, panel.link.eased = True, 0
    page.until(words + ".includes('heard')")
    assert page.run(without) == ""


def test_a_turned_cv_moves_what_is_asked_and_heard(page: Browser, panel: Panel) -> None:
    page.find(GATE_1).click()
    _keys(page, "[aria-label='CV 3 voltage']", Keys.HOME)
    page.until("return neurorave.telemetry.heard[1] < 0.1")
    left = page.run("return document.querySelectorAll('.track b')[1].style.left")
    _keys(page, "[aria-label='CV 3 voltage']", Keys.END)
    page.until("return neurorave.telemetry.heard[1] > 0.8")
    page.until("return document.querySelectorAll('.track b')[1].style.left === '100%'")
    assert left != "100%"
    assert panel.link.cv[2]["volts"] == 5.0
    page.until("return document.querySelectorAll('.bar')[2].classList.contains('free')")


def test_knobs_move_by_keys_drag_wheel_and_go_back(page: Browser, panel: Panel) -> None:
    link = panel.link
    _keys(page, CV_2, Keys.ARROW_UP, Keys.ARROW_UP)
    panel.until(lambda link: link.cv[1]["volts"] == pytest.approx(0.2), "two steps up")
    _keys(page, CV_2, Keys.PAGE_DOWN)
    panel.until(lambda link: link.cv[1]["volts"] == pytest.approx(-0.8), "ten steps down")
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys(Keys.ARROW_UP).key_up(
        Keys.SHIFT
    ).perform()
    panel.until(lambda link: link.cv[1]["volts"] == pytest.approx(-0.78), "a fine step")
    _keys(page, CV_2, Keys.DELETE)
    panel.until(lambda link: link.cv[1]["volts"] == 0.0, "back to the default")
    dial = page.find(CV_2)
    ActionChains(page.driver).click_and_hold(dial).move_by_offset(0, -40).release().perform()
    panel.until(lambda link: link.cv[1]["volts"] > 1.0, "dragged up")
    before = link.cv[1]["volts"]
    page.driver.execute_cdp_cmd(
        "Input.dispatchMouseEvent",
        {
            "type": "mouseWheel",
            "deltaX": 0,
            "deltaY": 120,
            "x": dial.rect["x"] + 20,
            "y": dial.rect["y"] + 20,
        },
    )
    panel.until(lambda link: link.cv[1]["volts"] < before, "turned down by the wheel")
    assert page.run("return document.querySelector(arguments[0]).ariaValueText", CV_2) == (
        "+%.2f V" % link.cv[1]["volts"]
    )


def test_a_refused_value_is_said_in_a_sentence_and_taken_back(page: Browser, panel: Panel) -> None:
    def refuse(parameter_id: str, value: float) -> None:
        by_id("level").parse(99.0)

    panel.link.set = refuse  # type: ignore[method-assign]
    _keys(page, "[aria-label='Level']", Keys.END)
    page.until("return document.getElementById('notice').textContent.includes('level is 99.0')")
    page.until("return document.querySelector(\"[aria-label='Level']\").ariaValueNow === '0'")


def test_sources_and_destinations_are_chosen(page: Browser, panel: Panel) -> None:
    _keys(page, "select[aria-label='CV 1 source']", "sine")
    panel.until(lambda link: link.cv[0]["source"] == "sine", "the source is sine")
    _keys(page, "[aria-label='CV 1 rate']", Keys.END)
    panel.until(lambda link: link.cv[0]["rate"] == pytest.approx(20.0), "the fastest rate")
    _keys(page, "[aria-label='CV 1 depth']", Keys.HOME)
    panel.until(lambda link: link.cv[0]["depth"] == 0.0, "no depth")
    _keys(page, "select[aria-label='CV 4 moves']", "brightness")
    panel.until(lambda link: link.values["cv4.destination"] == 2.0, "CV 4 moves brightness")


def test_turning_the_knob_of_an_empty_jack_plugs_it_in(page: Browser, panel: Panel) -> None:
    panel.link.set_jack(2, source="none")
    page.until(
        "return document.querySelector(\"select[aria-label='CV 2 source']\").value === 'none'"
    )
    _keys(page, CV_2, Keys.PAGE_UP)
    panel.until(lambda link: link.cv[1]["source"] == "manual", "the knob is plugged in")
    panel.until(lambda link: link.cv[1]["volts"] == pytest.approx(1.0), "and its voltage counts")


def test_the_clock_is_a_switch(page: Browser, panel: Panel) -> None:
    clock = "[role=switch][aria-label='Clock of gate 1']"
    assert page.find(clock).get_attribute("aria-checked") == "false"
    _keys(page, clock, Keys.SPACE)
    panel.until(lambda link: link.gates[0]["clock"], "the clock runs")
    assert page.find(clock).get_attribute("aria-checked") == "true"
    _keys(page, "[aria-label='Clock rate of gate 1']", Keys.HOME)
    panel.until(lambda link: link.gates[0]["rate"] == pytest.approx(0.1), "the slowest rate")


def test_the_encoder_turns_clicks_and_goes_home(page: Browser, panel: Panel) -> None:
    encoder = "[role=slider][aria-label='Encoder']"
    menu = panel.face.menu
    _keys(page, encoder, Keys.ARROW_DOWN)
    panel.until(lambda link: link.values["level"] == -0.5, "the level is turned down")
    pictures = page.run("return neurorave.pictures")
    page.find(encoder).click()
    wait_for(lambda: menu.level == 2, "the list is open")
    page.until("return neurorave.pictures > arguments[0]", pictures)
    _keys(page, encoder, Keys.ARROW_DOWN)
    wait_for(lambda: menu.page.cursor == 2, "down is the next entry")
    _keys(page, encoder, Keys.ARROW_UP)
    wait_for(lambda: menu.page.cursor == 1, "up is the entry before")
    _keys(page, encoder, Keys.ARROW_RIGHT)
    wait_for(lambda: menu.page.cursor == 2, "right is clockwise")
    _keys(page, encoder, Keys.PAGE_UP)
    wait_for(lambda: menu.page.cursor == 0, "five entries up, as far as there are any")
    _keys(page, encoder, Keys.ARROW_DOWN, Keys.ENTER)
    wait_for(lambda: menu.level == 3, "a group is open")
    ActionChains(page.driver).click_and_hold(page.find(encoder)).perform()
    wait_for(lambda: menu.level == 1, "home, while it is held")
    ActionChains(page.driver).release().perform()
    ActionChains(page.driver).click_and_hold(page.find(encoder)).move_by_offset(
        0, -60
    ).release().perform()
    panel.until(lambda link: link.values["level"] > 0.0, "dragging turns")
    assert menu.level == 1


@pytest.mark.parametrize(
    "up,down", [("ARROW_UP", "ARROW_DOWN"), ("ARROW_RIGHT", "ARROW_LEFT"), ("PAGE_UP", "PAGE_DOWN")]
)
def test_keys_that_go_up_raise_what_the_encoder_says_of_itself(
    page: Browser, panel: Panel, up: str, down: str
) -> None:
    said = "return Number(document.querySelector('[aria-label=Encoder]').ariaValueNow)"
    _keys(page, "[aria-label=Encoder]", getattr(Keys, up))
    assert page.run(said) in (1, 5)
    panel.until(lambda link: link.values["level"] > 0.0, "and the level")
    _keys(page, "[aria-label=Encoder]", getattr(Keys, down))
    assert page.run(said) == 0


def test_bars_are_empty_until_something_sounds(page: Browser, panel: Panel) -> None:
    shown = """
        return [...document.querySelectorAll(".bar")].map((bar) => [
          bar.querySelector("i").getBoundingClientRect().width,
          getComputedStyle(bar.querySelector("b")).display,
          bar.querySelector("p").textContent,
        ]);
        """
    # The fake module measures something in silence, too.
    page.until("return neurorave.telemetry.heard.every((value) => value > 0.01)")
    assert page.run(shown) == [[0, "none", "\u2013"]] * 5
    page.find(GATE_1).click()
    page.until("return neurorave.telemetry.sounding")
    bars = page.run(shown)
    assert all(width > 0 and "heard" in text for width, _, text in bars)
    assert bars[0][1] == "block" and bars[0][2].startswith("asked")
    page.until("return !neurorave.telemetry.sounding")
    assert page.run(shown) == [[0, "none", "\u2013"]] * 5


def test_every_control_is_reached_by_tab_and_has_a_name(page: Browser, panel: Panel) -> None:
    # Unfolded, so that what is folded away at first is there too.
    page.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
    expected = page.run(
        """
        const found = [...document.querySelectorAll("button, select, summary, [tabindex='0']")];
        return found.filter((node) => node.offsetParent !== null).length;
        """
    )
    page.run("document.activeElement.blur()")
    names: List[str] = []
    for _ in range(expected):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        node = page.driver.switch_to.active_element
        names.append(node.accessible_name)
        outline = page.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", names[-1]
    assert all(names)
    assert len(set(names)) == expected
    # Bundle, encoder, level, 2 x (button, clock, rate), 4 x (moves, voltage, source, rate, depth), the fold of the
    # errors, 4 x (gain, offset, noise).
    assert expected == 3 + 2 * 3 + 4 * 5 + 1 + 4 * 3
    sliders: List[Any] = page.run(
        """
        return [...document.querySelectorAll("[role=slider]:not([aria-label=Encoder])")].map((node) =>
          [Number(node.ariaValueMin), Number(node.ariaValueNow), Number(node.ariaValueMax), node.ariaValueText]);
        """
    )
    assert len(sliders) == 1 + 2 + 4 * 3 + 4 * 3
    for low, now, high, text in sliders:
        assert low <= now <= high and text


def test_jacks_that_follow_a_recording_cannot_be_played(page: Browser, panel: Panel) -> None:
    panel.link.virtual = False
    page.until("return document.getElementById('strips').inert")
    assert "follow a recording" in page.find("#replay").text
    ActionChains(page.driver).key_down("a").key_up("a").perform()
    _keys(page, "[aria-label='Level']", Keys.HOME)
    panel.until(lambda link: link.values["level"] == -60.0, "the level still works")
    # The key came before the level's, so it would have acted by now.
    assert panel.link.struck < 0.0
    panel.link.set_jack(1, volts=2.5)
    page.until(
        "return document.querySelector('[aria-label=\"CV 1\"] .volts').textContent === '+2.50 V'"
    )


def test_with_reduced_motion_the_light_stands_still(page: Browser, panel: Panel) -> None:
    lens = "return document.getElementById('lens').style.background"
    panel.link.state = FAULT
    panel.link.message = "The sound process ended."
    page.until("return document.getElementById('light-word').textContent === 'fault'")
    first = page.run(lens)
    wait_for(lambda: page.run(lens) != first, "the light flashes")
    page.reduce_motion(True)
    page.until("return matchMedia('(prefers-reduced-motion: reduce)').matches")
    page.until("return document.getElementById('lens').style.background === 'rgb(255, 40, 20)'")
    seen = page.driver.execute_async_script(
        """
        const done = arguments[arguments.length - 1];
        const seen = new Set();
        const start = neurorave.telemetry.time;
        const look = () => {
          seen.add(document.getElementById("lens").style.background);
          if (neurorave.telemetry.time > start + 1.5) done([...seen]);
          else requestAnimationFrame(look);
        };
        look();
        """
    )
    assert seen == ["rgb(255, 40, 20)"]


def test_a_fault_is_said_in_words(page: Browser, panel: Panel) -> None:
    panel.link.state = FAULT
    panel.link.message = "The sound process ended and is started again."
    page.until(
        "return document.getElementById('notice').textContent === arguments[0]", panel.link.message
    )
    assert page.find("#notice").is_displayed()
    panel.link.message = ""
    panel.link.state = "playing"
    page.until("return document.getElementById('notice').textContent === ''")


def test_a_lost_connection_is_said_and_comes_back_by_itself(page: Browser, panel: Panel) -> None:
    panel.stop()
    page.until("return !neurorave.connected")
    page.until("return document.getElementById('notice').textContent.includes('connection')")
    assert page.find("#notice").is_displayed()
    panel.link.name = "other_bundle"
    panel.start()
    page.until("return neurorave.connected")
    page.until("return document.getElementById('bundle').textContent.includes('other bundle')")
    page.until("return document.getElementById('notice').textContent === ''")
    frames = page.run("return neurorave.frames")
    page.until("return neurorave.frames > arguments[0]", frames)


def test_sound_waits_for_a_gesture_where_the_browser_wants_one(
    panel: Panel, tmp_path: Path
) -> None:
    strict = start_browser(str(tmp_path / "profile"))
    try:
        strict.size(1280, 860)
        strict.open(panel.url)
        strict.until("return neurorave.sound.state === 'suspended'")
        start = strict.find("#start")
        wait_for(start.is_displayed, "the button is there")
        start.click()
        strict.until("return neurorave.sound.state === 'running'")
        wait_for(lambda: not start.is_displayed(), "the button is gone")
        strict.find(GATE_1).click()
        strict.until("return neurorave.sound.loudest > 0.02")
    finally:
        strict.driver.quit()
