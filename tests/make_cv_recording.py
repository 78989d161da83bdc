"""Writes tests/data/cv_short.wav: four seconds under four CVs and two gates.

    python tests/make_cv_recording.py [FILE]

CV 1 rises from -5 to 5 V, CV 2 goes up to 4 V, down to -4 V and back, CV 3 falls from 5 to -5 V,
CV 4 rests at 0 V for two seconds and then rises to 5 V.  Gate 1 has triggers of 5 ms, gate 2 is held
once.
"""

import os
import sys

import numpy as np
import soundfile

SAMPLE_RATE = 1000
SECONDS = 4
TRIGGERS = (0.1, 0.6, 1.1, 1.35, 1.6, 2.1, 2.6, 2.85, 3.101, 3.35)
TRIGGER_SECONDS = 0.005
HELD = (2.4, 3.2)
DEFAULT_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "cv_short.wav")


def make_volts() -> np.ndarray:
    """Return the recording in volts, float64 [samples, 6]."""
    count = SAMPLE_RATE * SECONDS
    time = np.arange(count) / SAMPLE_RATE
    volts = np.zeros((count, 6))
    volts[:, 0] = np.interp(time, [0.0, 4.0], [-5.0, 5.0])
    volts[:, 1] = np.interp(time, [0.0, 1.0, 3.0, 4.0], [0.0, 4.0, -4.0, 0.0])
    volts[:, 2] = np.interp(time, [0.0, 4.0], [5.0, -5.0])
    volts[:, 3] = np.interp(time, [0.0, 2.0, 4.0], [0.0, 0.0, 5.0])
    for start in TRIGGERS:
        first = round(start * SAMPLE_RATE)
        volts[first : first + round(TRIGGER_SECONDS * SAMPLE_RATE), 4] = 10.0 * 32767 / 32768
    volts[round(HELD[0] * SAMPLE_RATE) : round(HELD[1] * SAMPLE_RATE), 5] = 5.0
    return volts


def main() -> None:
    """Write the file."""
    path = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_PATH
    soundfile.write(path, make_volts() / 10.0, SAMPLE_RATE, subtype="PCM_16")


if __name__ == "__main__":
    main()
