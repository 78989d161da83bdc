"""The measuring of gates through a recorded stream: it finds hits whatever was lost, and tells stops apart."""

import numpy as np

from benchmarks.gate_to_sound import COMPARED, RATE, arrival_of, figures, find, touched


def noise(seconds: float, seed: int) -> np.ndarray:
    return np.random.RandomState(seed).standard_normal(int(seconds * RATE)).astype(np.float32)


def test_hits_are_found_although_samples_were_lost_and_silence_came_between() -> None:
    sound = noise(3.0, 1)
    # 700 samples are missing after one second, and 5000 of silence were put in after two.
    cut = np.concatenate((sound[:RATE], sound[RATE + 700 : 2 * RATE], np.zeros(5000, np.float32)))
    recording = np.concatenate((np.zeros(12345, np.float32), cut, sound[2 * RATE :]))
    places = np.array([1000, RATE // 2, RATE + 2000, 2 * RATE + 10])
    expected = places + 12345 + np.array([0, 0, -700, -700 + 5000])
    assert find(sound, recording, places).tolist() == expected.tolist()


def test_a_hit_that_was_cut_by_a_gap_is_not_found_and_the_next_one_is() -> None:
    sound = noise(2.0, 2)
    recording = sound.copy()
    recording[20000 + COMPARED // 2 : 20000 + COMPARED] = 0.0
    assert find(sound, recording, np.array([5000, 20000, 40000])).tolist() == [5000, -1, 40000]


def test_what_is_hardly_there_is_not_taken_for_a_hit() -> None:
    sound = noise(1.0, 5)
    recording = np.concatenate((1e-6 * sound, np.zeros(RATE, np.float32), sound))
    assert find(sound, recording, np.array([3000])).tolist() == [2 * RATE + 3000]


def test_the_earliest_fragments_tell_when_a_sample_came() -> None:
    random = np.random.RandomState(3)
    samples = np.arange(0, 5 * RATE, 220)
    late = random.exponential(0.003, samples.size)
    arrivals = np.stack((samples, 100.0 + samples / RATE + late), axis=1)
    wanted = np.array([RATE, 2 * RATE + 17])
    found = arrival_of(arrivals, wanted)
    assert np.abs(found - 100.0 - wanted / RATE).max() < 0.0005


def test_stops_touch_what_they_overlap() -> None:
    stalls = np.array([[1.0, 1.01], [5.0, 5.5]])
    begins = np.array([0.0, 0.99, 1.005, 1.02, 4.0])
    ends = np.array([0.5, 1.02, 1.006, 1.5, 6.0])
    assert touched(stalls, begins, ends).tolist() == [False, True, True, False, True]
    assert not touched(np.zeros((0, 2)), begins, ends).any()


def test_a_constant_delay_has_no_spread_and_one_that_is_not_has() -> None:
    sound = noise(8.0, 4)
    triggers = np.arange(1, 13) * 25000
    # The card takes blocks of 128 in time and 8 ms later they are recorded.
    starts = np.arange(0, sound.size - 128, 128)
    taken = np.stack((starts, starts, 50.0 + starts / RATE), axis=1)
    samples = np.arange(220, sound.size, 220)
    arrivals = np.stack((samples, 50.008 + samples / RATE), axis=1)
    jitter = np.where(np.arange(12) % 2, 0.003, 0.0)
    played = {
        "presses": 50.0 + triggers / RATE - 0.009 - jitter,
        "triggers": triggers,
        "taken": taken,
        "sound": sound,
        "latency": np.array(0.008),
        "realtime": np.array(True),
    }
    for name in ("late", "late_edges", "underruns", "card_underruns"):
        played[name] = np.array(0)
    stalls = np.array([[50.0 + triggers[11] / RATE - 0.1, 50.0 + triggers[11] / RATE]])
    report = figures(played, sound, arrivals, stalls)
    assert report["found"] == report["gates"] == 12
    assert abs(report["gate_to_sound_ms"]["p99_minus_p1"] - 3.0) < 0.2
    assert abs(report["gate_to_sound_ms"]["p50"] - 10.5) < 2.0
    assert report["without_stalls"]["gates"] == 11
    assert report["stalls"]["count"] == 1
    assert abs(report["stalls"]["longest_ms"] - 100.0) < 1e-6
