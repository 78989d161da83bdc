"""The benchmark against the scripted peer: both play the same, and its page is made of its figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.peer_rave import PeerRave
from benchmarks.peer_shapes import SHAPES, prepare_shape, prepare_shipped, random_decoder
from benchmarks.peer_workers import OursRun, PeerRun, turn
from benchmarks.peers import floor, goals
from benchmarks.peers_page import BEGIN, END, table, write_page
from neurorave_train.nets.paper_decoder import PaperDecoder

SHIPPED = "models/hand_percussion"


@pytest.mark.parametrize("noise", [True, False])
def test_engine_and_peer_play_the_same(noise: bool, tmp_path: Path) -> None:
    small = SHAPES["rave_v1"]._replace(inputs=8, bands=4, capacity=4, attenuation=40.0, noise=noise)
    made = prepare_shape(small, tmp_path)
    assert made.hop == 4 * 128
    assert made.difference < 1e-4
    for run in (OursRun(made.files, 1), PeerRun(made.files, 1, 8)):
        found = turn(run, 3, 0.0)
        assert len(found["seconds"]) == 3 and found["misses"] == 0


def test_the_peer_of_the_shipped_model_has_its_weights(tmp_path: Path) -> None:
    assert prepare_shipped(SHIPPED, tmp_path).difference < 1e-4


def test_a_peer_that_differs_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = SHAPES["rave_v1"]._replace(inputs=8, bands=4, capacity=4, attenuation=40.0)

    def wrong(decoder: PaperDecoder, noise: bool) -> PeerRave:
        peer = PeerRave(decoder, noise)
        peer.wave.conv.weight.data.mul_(1.01)
        return peer

    monkeypatch.setattr("benchmarks.peer_shapes.PeerRave", wrong)
    with pytest.raises(RuntimeError, match="differ"):
        prepare_shape(small, tmp_path)


def test_published_sizes() -> None:
    """The shapes have the parameters that were counted in the published networks."""
    for shape in SHAPES.values():
        decoder = random_decoder(shape)
        count = sum(
            p.numel()
            for n, p in decoder.named_parameters()
            if p.requires_grad and (shape.noise or not n.startswith("noise"))
        )
        assert count / 1e6 == pytest.approx(shape.params, rel=0.005)


def test_the_floor_is_the_larger_of_products_and_weights() -> None:
    rates = {"gflops": 100.0, "gbytes": 20.0, "cached_gbytes": 50.0}
    found = floor(1_000_000, 1_000_000, rates)
    assert found["compute"] == pytest.approx(0.02)
    assert found["floor"] == found["weights"] == pytest.approx(0.2)
    assert floor(1000, 50_000_000, rates)["floor"] == pytest.approx(1.0)


def document() -> dict[str, Any]:
    def figures(p50: float) -> dict[str, float]:
        return {"p50": p50, "p99": 2.0, "max": 3.0, "cpu": p50, "frames": 10, "misses": 1}

    ratio = {"median": 4.5, "low": 4.0, "high": 5.0}
    mode = {
        **{name: figures(v) for name, v in (("ours", 1.0), ("peer 1", 4.5), ("peer 2", 3.0))},
        "cpu_ratio": ratio,
        "ratios": {"peer 1": ratio, "peer 2": {**ratio, "median": 3.0}},
    }
    rates = {"gflops": 100.0, "gbytes": 20.0, "cached_gbytes": 50.0}
    network = {
        "title": "net",
        "rounds": 3,
        "stolen": 0.0,
        "deadline_ms": 10.0,
        "parameters": 2_000_000,
        "macs": 5_000_000,
        "rates": rates,
        "floor_ms": floor(2_000_000, 5_000_000, rates),
        "paced": mode,
        "burst": mode,
    }
    return {
        "date": "2026-01-02",
        "commit": "abc",
        "machine": "a machine",
        "versions": {"python": "3.11"},
        "load_average": 0.1,
        "networks": {"shipped": network},
        "goals": goals({"shipped": network}),
    }


def test_the_better_peer_counts_and_a_missed_goal_is_said() -> None:
    speed, distance = document()["goals"]
    assert (speed["value"], speed["reached"]) == (3.0, False)
    assert distance["value"] == pytest.approx(2.5) and distance["reached"]
    assert "**missed**" in table(document())


def test_the_page_keeps_what_stands_around_the_figures(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        write_page(page, document())
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert "old" not in text and text.count("commit abc") == 1
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no place"):
        write_page(page, document())
