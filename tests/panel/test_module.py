"""The whole module behind the page: two processes, a bundle, sound in the browser."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from .conftest import PATIENCE, Browser, wait_for

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = [ROOT / "tests/data/toy_bundle", ROOT / "models/hand_percussion"]


@pytest.fixture(params=[path for path in BUNDLES if path.exists()], ids=lambda path: str(path.name))
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run `neurorave run` on a free port and return the address that it prints."""
    command = [sys.executable, "-m", "neurorave_device.cli", "run", "--port", "0"]
    command += ["--bundle", str(request.param)]
    process = subprocess.Popen(
        command, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    seen: List[str] = []
    for line in process.stdout:
        seen.append(line)
        found = [word for word in line.split() if word.startswith("http://")]
        if found:
            break
    else:
        pytest.fail("the module ended: " + "".join(seen))
    yield found[0].rstrip(".")
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=PATIENCE)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)


def _set_cv_2(page: Browser, key: str, low: float, high: float) -> None:
    page.run("document.querySelector(arguments[0]).focus()", "[aria-label='CV 2 voltage']")
    ActionChains(page.driver).send_keys(key).perform()
    page.until(
        "const v = neurorave.telemetry.volts[1]; return v >= arguments[0] && v <= arguments[1]",
        low,
        high,
    )


def _click_gate(page: Browser) -> float:
    """Click the gate and return the loudest RMS that the audio thread has played; called until it sounds."""
    page.find("[aria-label='Gate 1'].gate-button").click()
    return float(page.run("return neurorave.sound.loudest"))


def test_a_gate_sounds_and_a_cv_moves_what_is_heard(browser: Browser, address: str) -> None:
    browser.size(1280, 860)
    browser.reduce_motion(False)
    browser.open(address)
    try:
        browser.until("return neurorave.telemetry.state === 'playing'")
        browser.until("return neurorave.sound.state === 'running'")
        wait_for(lambda: _click_gate(browser) > 0.01, "a clicked gate sounds")
        # Hits so close together that the heard loudness hardly falls between them.
        browser.run("document.querySelector(\"[aria-label='Clock rate of gate 1']\").focus()")
        ActionChains(browser.driver).send_keys(Keys.END).perform()
        browser.find("[aria-label='Clock of gate 1']").click()
        _set_cv_2(browser, Keys.END, 4.9, 5.1)
        loud = browser.until("const q = neurorave.telemetry.heard[0]; return q > 0.6 && q")
        _set_cv_2(browser, Keys.HOME, -5.1, -4.9)
        browser.until(
            "return neurorave.telemetry.heard[0] < arguments[0]",
            loud - 0.3,
        )
        _set_cv_2(browser, Keys.END, 4.9, 5.1)
        browser.until("return neurorave.telemetry.heard[0] > 0.6")
        assert browser.complaints() == []
    finally:
        browser.driver.get("about:blank")
