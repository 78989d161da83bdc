"""The page of neurorave-evaluate, from file://, as a reader meets it on a desk and on a phone."""

from pathlib import Path
from typing import Any, Iterator, List

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from neurorave_train.evaluation.cli import main
from tests.train.audio_sets import strokes, write

from .conftest import Browser

TOY = str(Path(__file__).parents[1] / "data" / "toy_bundle")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data, other = (tmp_path_factory.mktemp(name) for name in ("set", "other"))
    strokes(data, 10)
    time = np.arange(16000 * 3) / 16000
    write(other / "tone.wav", (0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32))
    # Moved away from where it was made: nothing may point back.
    made, moved = (tmp_path_factory.mktemp("pages") / name for name in ("made", "moved"))
    arguments = [TOY, "--data", str(data), "--limit", "2", "--quick", "--transfer", str(other)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurorave_train.evaluation.examples.QUICK_SHAPES", ("square",))
        assert main([*arguments, "--html", str(made)]) == 0
    made.rename(moved)
    return moved


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Browser]:
    browser.size(1280, 860)
    browser.driver.get_log("browser")
    browser.driver.get((report / "index.html").as_uri())
    yield browser
    browser.driver.get("about:blank")


def names(page: Browser, script: str) -> List[Any]:
    found = page.run("return [...document.querySelectorAll(%r)].map((e) => e.textContent)" % script)
    return list(found)


def test_everything_is_there_and_nothing_comes_from_elsewhere(page: Browser, report: Path) -> None:
    page.run("document.querySelectorAll('img').forEach((e) => { e.loading = 'eager'; })")
    page.until("return [...document.images].every((e) => e.complete && e.naturalWidth > 100)")
    sources = page.run("return [...document.querySelectorAll('[src]')].map((e) => e.src)")
    assert len(sources) > 30
    assert all(source.startswith(report.as_uri() + "/") for source in sources)
    assert page.complaints() == []
    for title in (
        "Original and reconstruction",
        "One descriptor modulated",
        "Descriptors of another recording",
        "With and without the guard",
        "Sound of another set",
    ):
        assert title in names(page, "h2")
    # The curves of the modulators are drawn although their figures are left out.
    cards = names(page, ".card h3")
    assert {"centroid: square", "booming: square"} <= set(cards)
    assert "left out" in page.run("return document.body.textContent")


def test_every_sound_can_be_decoded_and_plays_alone(page: Browser) -> None:
    page.until(
        "return [...document.querySelectorAll('audio')].every((e) => e.duration > 1.2 || e.error)"
    )
    assert page.run("return [...document.querySelectorAll('audio')].every((e) => !e.error)")
    page.run(
        "const a = document.querySelectorAll('audio'); a[0].loop = a[1].loop = true; a[0].play()"
    )
    cursor = "const c = document.querySelector('.cursor'); return c.style.display === 'block' && "
    page.until(cursor + "parseFloat(c.style.left) > 12")
    page.run("document.querySelectorAll('audio')[1].play()")
    page.until(
        "const a = document.querySelectorAll('audio'); return a[0].paused && a[1].currentTime > 0"
    )
    page.run("document.querySelectorAll('audio')[1].pause()")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_hangs_over(page: Browser, width: int) -> None:
    page.size(width, 800)
    page.run("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    assert page.run("return document.documentElement.scrollWidth") <= width
    # A wide table moves in its own frame.
    assert page.run(
        "return [...document.querySelectorAll('.table')].every("
        "(e) => e.getBoundingClientRect().right <= innerWidth)"
    )
    assert page.run(
        "return [...document.querySelectorAll('audio')].every((e) => e.clientWidth >= 150)"
    )
