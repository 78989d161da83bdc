"""Constants of Zwicker's loudness calculation (DIN 45631 / ISO 532-1), in dB, sone and Bark.

The figures are those of the standard; the arrays are read-only facts, kept apart from the code
that uses them. Band indices count from 0.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Level in dB SPL that a signal with a root mean square of 1.0 stands for.
FULL_SCALE_DB = 100.0

#: Exact base-2 centres of the 28 third-octave bands in Hz (25 Hz to 12.5 kHz nominal).
THIRD_OCTAVE_CENTRES: Array = 1000.0 * 2.0 ** (np.arange(-16, 12) / 3.0)

#: Upper limits in dB of the level ranges for the equal-loudness correction of bands 0..10.
RAP: Array = np.array([45, 55, 65, 71, 80, 90, 100, 120], dtype=float)

#: The correction in dB, one row for each range of RAP, one column for each of bands 0..10.
DLL: Array = np.array(
    [
        [-32, -24, -16, -10, -5, 0, -7, -3, 0, -2, 0],
        [-29, -22, -15, -10, -4, 0, -7, -2, 0, -2, 0],
        [-27, -19, -14, -9, -4, 0, -6, -2, 0, -2, 0],
        [-25, -17, -12, -9, -3, 0, -5, -2, 0, -2, 0],
        [-23, -16, -11, -7, -3, 0, -4, -1, 0, -1, 0],
        [-20, -14, -10, -6, -3, 0, -4, -1, 0, -1, 0],
        [-18, -12, -9, -6, -2, 0, -3, -1, 0, -1, 0],
        [-15, -10, -8, -4, -2, 0, -3, -1, 0, -1, 0],
    ],
    dtype=float,
)

#: Which of the bands 0..10 make up each of the three lowest critical bands (first, past last).
LOW_BAND_GROUPS = ((0, 6), (6, 9), (9, 11))

#: Level at the threshold in quiet for the 20 critical bands, dB.
LTQ: Array = np.array([30, 18, 12, 8, 7, 6, 5, 4] + [3] * 12, dtype=float)

#: Transmission through the ear, dB.
A0: Array = np.array([0] * 10 + [-0.5, -1.6, -3.2, -5.4, -5.6, -4.0, -1.5, 2.0, 5.0, 12.0])

#: Adaptation of third-octave levels to critical bands, dB.
DCB: Array = np.array(
    [-0.25, -0.6, -0.8, -0.8, -0.5, 0, 0.5, 1.1, 1.5, 1.7]
    + [1.8, 1.8, 1.7, 1.6, 1.4, 1.2, 0.8, 0.5, 0, -0.5]
)

#: Upper limits of the 21 approximate critical bands, Bark.
ZUP: Array = np.array(
    [0.9, 1.8, 2.8, 3.5, 4.4, 5.4, 6.6, 7.9, 9.2, 10.6]
    + [12.3, 13.8, 15.2, 16.7, 18.1, 19.3, 20.6, 21.8, 22.7, 23.6, 24.0]
)

#: Lower limits of the specific-loudness ranges for the upper slopes, sone per Bark.
RNS: Array = np.array(
    [21.5, 18, 15.1, 11.5, 9, 6.1, 4.4, 3.1, 2.13]
    + [1.36, 0.82, 0.42, 0.30, 0.22, 0.15, 0.10, 0.035, 0]
)

#: Steepness of the upper slopes, one row for each range of RNS, one column for bands 1..8 and up.
USL: Array = np.array(
    [
        [13, 8.2, 6.3, 5.5, 5.5, 5.5, 5.5, 5.5],
        [9, 7.5, 6, 5.1, 4.5, 4.5, 4.5, 4.5],
        [7.8, 6.7, 5.6, 4.9, 4.4, 3.9, 3.9, 3.9],
        [6.2, 5.4, 4.6, 4, 3.5, 3.2, 3.2, 3.2],
        [4.5, 3.8, 3.6, 3.2, 2.9, 2.7, 2.7, 2.7],
        [3.7, 3, 2.8, 2.35, 2.2, 2.2, 2.2, 2.2],
        [2.9, 2.3, 2.1, 1.9, 1.8, 1.7, 1.7, 1.7],
        [2.4, 1.7, 1.5, 1.35, 1.3, 1.3, 1.3, 1.3],
        [1.95, 1.45, 1.3, 1.15, 1.1, 1.1, 1.1, 1.1],
        [1.5, 1.2, 0.94, 0.86, 0.82, 0.82, 0.82, 0.82],
        [0.72, 0.67, 0.64, 0.63, 0.62, 0.62, 0.62, 0.62],
        [0.59, 0.53, 0.51, 0.50, 0.42, 0.42, 0.42, 0.42],
        [0.40, 0.33, 0.26, 0.24, 0.24, 0.22, 0.22, 0.22],
        [0.27, 0.21, 0.20, 0.18, 0.17, 0.17, 0.17, 0.17],
        [0.16, 0.15, 0.14, 0.12, 0.11, 0.11, 0.11, 0.11],
        [0.12, 0.11, 0.10, 0.08, 0.08, 0.08, 0.08, 0.08],
        [0.09, 0.08, 0.07, 0.06, 0.06, 0.06, 0.06, 0.05],
        [0.06, 0.05, 0.03, 0.02, 0.02, 0.02, 0.02, 0.02],
    ]
)

#: Number of points of the specific-loudness curve, 0.1 Bark apart: 0.1 .. 24.0.
POINTS = 240

#: Into how many frequencies a bin is divided to average a filter over its width.
BIN_PARTS = 32

#: Centre of each point on the Bark axis.
BARK: Array = np.arange(1, POINTS + 1) / 10.0


def slope_column(band: int) -> int:
    """Return the column of USL that holds in a critical band (1..20)."""
    return min(max(band - 1, 0), 7)


def din_weighting(bark: Array) -> Array:
    """Return g(z) of DIN 45692: 1 up to 15.8 Bark, then rising exponentially."""
    rise: Array = 0.15 * np.exp(0.42 * (bark - 15.8)) + 0.85
    weights: Array = np.where(bark <= 15.8, 1.0, rise)
    return weights


def boom_weighting(bark: Array) -> Array:
    """Return W(z), how much a loudness at z Bark counts as boom (Hatano and Hashimoto).

    The index of the third-octave band that lies at z goes into a falling exponential; the four
    lowest points have weights of their own.
    """
    frequency = 600.0 * np.sinh(bark / 6.0)
    step = np.log10(31.5) - np.log10(25.0)
    index = (np.log10(frequency + 1.0) - np.log10(25.0)) / step + 1.0
    weights: Array = 2.13 * np.exp(-0.151 * index)
    weights[:4] = [0.8, 1.05, 1.10, 1.18]
    return weights


def third_octave_weights(sample_rate: int, window: int) -> Array:
    """Return [bins, 28]: which share of each FFT bin's power passes each third-octave filter.

    The filters are Butterworth band-passes of 6th order (IEC 61260), and a bin counts as noise
    that fills its whole width, so a band narrower than a bin takes a fraction of it. With ideal
    rectangular bands, pure tones would come out up to 8 % too sharp: the lower skirts are missing.
    """
    width = sample_rate / window
    inside = (np.arange(BIN_PARTS) + 0.5) / BIN_PARTS - 0.5
    frequency = np.abs(np.arange(window // 2 + 1)[:, None] + inside) * width
    ratio = frequency[:, :, None] / THIRD_OCTAVE_CENTRES
    detuning = (ratio - 1.0 / ratio) / (2.0 ** (1 / 6) - 2.0 ** (-1 / 6))
    weights: Array = (1.0 / (1.0 + detuning**6)).mean(axis=1)
    return weights
