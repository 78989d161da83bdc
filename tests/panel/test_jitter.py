"""The jitter buffer by itself, run in the browser in simulated time: no click whatever the network does."""

from typing import Any, Dict

import pytest

from .conftest import Browser

RATE = 44100
# The steepest step of the test tone: 220 Hz at 0.5 of full scale.
SLOPE = 2 * 3.14159 * 220.0 / RATE * 0.5

SIMULATION = """
const [rate, blocks, drift, plan, done] = arguments;
import("/static/jitter.js").then(({ JitterBuffer }) => {
  const buffer = new JitterBuffer(rate);
  const tone = (n) => 0.5 * Math.sin((2 * Math.PI * 220 * n) / rate);
  const out = new Float32Array(128);
  let sent = 0, last = 0, step = 0, worst = 0, loud = 0, fills = [], finite = true;
  let owed = 0, held = 0, exact = true;
  for (let block = 0; block < blocks; block += 1) {
    owed += 128 * (1 + drift);
    const event = plan[block];
    if (event === "outage") held = 0.3 * rate;
    if (event === "gap") sent += 1234;
    if (event === "back") sent -= 777;
    if (held > 0) { held -= 128; } else {
      while (owed >= 441) {
        const chunk = Float32Array.from({ length: 441 }, (_, i) => tone(sent + i));
        buffer.push(sent, chunk);
        sent += 441;
        owed -= 441;
      }
    }
    if (event === "lose") owed = 0;
    if (event === "flood") {
      for (let i = 0; i < 60; i += 1) {
        buffer.push(sent, Float32Array.from({ length: 441 }, (_, j) => tone(sent + j)));
        sent += 441;
      }
    }
    buffer.pull(out);
    for (const sample of out) {
      worst = Math.max(worst, Math.abs(sample - last));
      finite = finite && Number.isFinite(sample);
      last = sample;
      loud = Math.max(loud, Math.abs(sample));
    }
    if (block > blocks / 2) fills.push(buffer.fill / rate);
  }
  done({ worst, loud, finite, underruns: buffer.underruns, skips: buffer.skips,
         least: Math.min(...fills), most: Math.max(...fills) });
}).catch((error) => done({ error: String(error) }));
"""


def _simulate(page: Browser, seconds: float, drift: float, plan: Dict[int, str]) -> Dict[str, Any]:
    blocks = int(seconds * RATE / 128)
    named = {str(block): event for block, event in plan.items()}
    found = page.driver.execute_async_script(SIMULATION, RATE, blocks, drift, named)
    assert "error" not in found, found
    return dict(found)


@pytest.mark.parametrize("drift", [0.0, 0.002, -0.002, 0.0001])
def test_a_drifting_clock_is_followed_without_a_break(page: Browser, drift: float) -> None:
    found = _simulate(page, 60.0, drift, {})
    assert found["finite"]
    assert found["underruns"] == 0 and found["skips"] == 0
    assert 0.01 < found["least"] and found["most"] < 0.12
    assert 0.49 < found["loud"] < 0.51
    assert found["worst"] < 1.1 * SLOPE


@pytest.mark.parametrize("event", ["outage", "gap", "back", "flood"])
def test_breaks_are_glides_and_not_clicks(page: Browser, event: str) -> None:
    # At many phases of the tone, so that none is lucky.
    plan = {700 + 613 * index: event for index in range(20)}
    found = _simulate(page, 40.0, 0.0, plan)
    assert found["finite"]
    # A hard break would step by up to 1.0; a glide over 4 ms of such a break stays far below.
    assert found["worst"] < 0.08
    assert found["loud"] < 1.01
    if event == "outage":
        assert found["underruns"] >= 1
    if event == "flood":
        assert found["skips"] >= 1
        assert found["most"] < 0.8


def test_after_an_outage_it_waits_for_more_and_then_plays_on(page: Browser) -> None:
    found = _simulate(page, 20.0, 0.0, {2000: "outage"})
    assert found["underruns"] == 1
    assert found["least"] > 0.02
    assert 0.49 < found["loud"] < 0.51
