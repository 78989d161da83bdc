"""Specific loudness against the standard's own procedure, written out step by step."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurorave_train.descriptors import tables
from neurorave_train.descriptors.loudness import SpecificLoudness

Array = tables.Array

band_levels = arrays(np.float64, (4, 28), elements=st.floats(-30.0, 115.0, width=32))


@pytest.fixture(scope="module")
def loudness() -> SpecificLoudness:
    return SpecificLoudness().double()


def powers(levels: Array) -> torch.Tensor:
    return torch.as_tensor(10.0 ** (0.1 * (levels - tables.FULL_SCALE_DB)))


def core_by_table(levels: Array) -> Array:
    """Core loudness [20] of third-octave levels [28] in dB, with the tables looked up."""
    corrected = []
    for i in range(11):
        row = 0
        while levels[i] > tables.RAP[row] - tables.DLL[row, i] and row < 7:
            row += 1
        corrected.append(levels[i] + tables.DLL[row, i])
    power = 10.0 ** (0.1 * np.array(corrected))
    low = [10 * np.log10(power[a:b].sum()) for a, b in ((0, 6), (6, 9), (9, 11))]
    critical = np.concatenate([low, levels[11:]])
    core = np.zeros(20)
    for i, level in enumerate(critical):
        threshold = tables.LTQ[i]
        if level > threshold:
            heard = level - tables.A0[i] - tables.DCB[i] - threshold
            rise = (0.75 + 0.25 * 10 ** (0.1 * heard)) ** 0.25 - 1.0
            core[i] = max(0.0, 0.0635 * 10 ** (0.025 * threshold) * rise)
    core[0] *= min(1.0, 0.4 + 0.32 * core[0] ** 0.2)
    return core


def walk(core: Array) -> Array:
    """N'(z) [240] of core loudness [20], drawn by walking up the Bark axis."""
    levels = np.append(core, 0.0)
    curve = np.zeros(tables.POINTS)
    n = z = 0.0
    for i, upper in enumerate(tables.ZUP):
        points = [k for k in range(240) if z + 1e-6 < (k + 1) / 10 <= upper + 1e-6]
        for stop, k in [((k + 1) / 10, k) for k in points] + [(upper, None)]:
            while z < stop - 1e-12:
                if n <= levels[i]:
                    n, z = levels[i], stop
                    continue
                j = int(np.argmax(tables.RNS < n))
                slope = tables.USL[j, min(i - 1, 7)]
                end = max(tables.RNS[j], levels[i])
                if n - slope * (stop - z) > end:
                    n, z = n - slope * (stop - z), stop
                else:
                    n, z = end, z + (n - end) / slope
            if k is not None:
                curve[k] = n
    return curve


@given(levels=band_levels)
@settings(max_examples=60, deadline=None)
def test_core_loudness_equals_the_tables(loudness: SpecificLoudness, levels: Array) -> None:
    # A level within rounding of a table's limit may fall on either side of it.
    limits = (tables.RAP[:-1, None] - tables.DLL[:-1]).ravel()
    levels = levels + 0.0123
    assert (np.abs(levels[:, :11, None] - limits) > 1e-3).all()
    expected = np.array([core_by_table(row) for row in levels])
    found = loudness.core(powers(levels)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)


@given(levels=band_levels)
@settings(max_examples=100, deadline=None)
def test_the_curve_equals_the_walk(loudness: SpecificLoudness, levels: Array) -> None:
    bands = powers(levels)
    core = loudness.core(bands).numpy()
    expected = np.array([walk(row) for row in core]).T
    np.testing.assert_allclose(loudness(bands).numpy(), expected, rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(loudness(bands, plain=True).numpy(), expected, rtol=1e-5, atol=2e-5)


def test_a_single_loud_band_decays_over_all_others(loudness: SpecificLoudness) -> None:
    levels = np.full((1, 28), -50.0)
    levels[0, 13] = 95.0
    bands = powers(levels)
    core = loudness.core(bands)[0].numpy()
    assert (core > 0).sum() == 1
    curve = loudness(bands)[:, 0].numpy()
    np.testing.assert_allclose(curve, walk(core), rtol=1e-5, atol=2e-5)
    peak = int(curve.argmax())
    assert (np.diff(curve[peak:]) <= 0).all() and (curve[peak : peak + 40] > 0).all()


def test_no_cell_of_the_look_up_holds_two_knots() -> None:
    for column in range(8):
        distances = np.diff(tables.RNS[::-1]) / tables.USL[:0:-1, column]
        assert distances.min() > 0.25, column


def test_the_filters_pass_a_third_of_an_octave() -> None:
    weights = tables.third_octave_weights(44100, 1 << 14)
    width = 44100 / (1 << 14)
    for band, centre in enumerate(tables.THIRD_OCTAVE_CENTRES):
        if centre < 200:
            continue
        middle = round(centre / width)
        assert weights[middle, band] == pytest.approx(1.0, abs=0.01)
        for edge in (centre * 2 ** (-1 / 6), centre * 2 ** (1 / 6)):
            assert weights[round(edge / width), band] == pytest.approx(0.5, abs=0.1)
        # The bandwidth for noise of a Butterworth filter with three pole pairs: 4.7 % more.
        passed = weights[:, band].sum() * width
        assert passed == pytest.approx(1.047 * centre * 0.23156, rel=0.02)
