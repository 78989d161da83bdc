"""One headless Chromium for all tests of the panel, and a panel with a made-up module behind it."""

import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional

import pytest

webdriver = pytest.importorskip("selenium.webdriver")

from selenium.webdriver.chrome.options import Options  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402

from neurorave_device.clock import SystemClock  # noqa: E402
from neurorave_device.face.catch_up import CatchUp  # noqa: E402
from neurorave_device.face.face import Face  # noqa: E402
from neurorave_device.face.panel import server  # noqa: E402
from tests.device.fake_link import FakeLink  # noqa: E402
from tests.device.fake_memory import FakeMemory, FakeWorkshop  # noqa: E402
from tests.device.fake_procedures import FakeProcedures  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"
# How long to wait for what must happen; long, because machines that test are busy.
PATIENCE = 60.0


class Browser:
    """A Chromium and the few things that the tests do with it."""

    def __init__(self, profile: str, *flags: str) -> None:
        options = Options()
        options.binary_location = CHROMIUM
        for flag in FLAGS + flags + ("--user-data-dir=" + profile,):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.driver.set_script_timeout(PATIENCE)

    def open(self, url: str) -> None:
        self.driver.get_log("browser")
        self.driver.get(url)
        self.until("return window.neurorave && neurorave.connected && neurorave.telemetry !== null")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, *arguments: Any) -> Any:
        """Wait until a script returns something true, and return it."""
        return wait_for(lambda: self.run(script, *arguments), script)

    def find(self, css: str) -> Any:
        return self.driver.find_element("css selector", css)

    def size(self, width: int, height: int) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        self.until("return innerWidth === arguments[0]", width)

    def reduce_motion(self, on: bool) -> None:
        value = "reduce" if on else ""
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-reduced-motion", "value": value}]},
        )

    def complaints(self) -> List[str]:
        return [
            row["message"] for row in self.driver.get_log("browser") if row["level"] == "SEVERE"
        ]


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Return the first true value of a condition; fails after ``seconds`` and says what was awaited."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("did not happen within %g s: %s" % (seconds, what))
        time.sleep(0.05)


def start_browser(profile: str, *flags: str) -> Browser:
    if not (os.path.exists(CHROMIUM) and os.path.exists(DRIVER)):
        pytest.skip("Chromium is missing: apt-get install chromium chromium-driver")
    return Browser(profile, *flags)


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that may play sound without a gesture; it ends with this folder's tests, because
    its pages would keep both cores busy under those that follow.
    """
    profile = str(tmp_path_factory.mktemp("profile"))
    found = start_browser(profile, AUTOPLAY)
    yield found
    found.driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


class Panel:
    """A panel's server in a thread, with the fake link and the face behind it; it can be stopped and restarted."""

    def __init__(self) -> None:
        self.link = FakeLink(SystemClock())
        self.face = Face(self.link)
        self.memory: Any = None
        self.procedures: Any = None
        self.port = 0
        self.url = ""
        self._thread: Optional[threading.Thread] = None

    def start(self) -> None:
        self._stop, ready = threading.Event(), threading.Event()

        def announce(url: str) -> None:
            self.url = url
            self.port = int(url.rstrip("/").rsplit(":", 1)[1])
            ready.set()

        self._thread = threading.Thread(
            target=server.run,
            args=(self.link, self.link.clock, self._stop),
            kwargs={
                "port": self.port,
                "ready": announce,
                "face": self.face,
                "memory": self.memory,
                "follower": None if self.procedures is None else self.procedures.follow,
            },
        )
        self._thread.start()
        assert ready.wait(PATIENCE)

    def equip(self, folder: Path) -> None:
        """Before it starts, give the face presets, a workshop and procedures, as the module's own has."""
        catch_up = CatchUp()
        self.memory = FakeMemory(self.link, catch_up)
        self.procedures = FakeProcedures(self.link, folder)
        self.face = Face(self.link, self.memory, FakeWorkshop(), catch_up, self.procedures)

    def stop(self) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join(PATIENCE)
            assert not self._thread.is_alive()
            self._thread = None

    def until(self, condition: Callable[[FakeLink], Any], what: str) -> Any:
        return wait_for(lambda: condition(self.link), what)


@pytest.fixture
def panel() -> Iterator[Panel]:
    found = Panel()
    found.start()
    yield found
    found.stop()


@pytest.fixture
def page(browser: Browser, panel: Panel) -> Iterator[Browser]:
    """The browser with the panel's page open at a desk's width."""
    browser.size(1280, 860)
    browser.reduce_motion(False)
    browser.open(panel.url)
    yield browser
    browser.driver.get("about:blank")
