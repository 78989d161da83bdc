"""Say whether two sound files are the same within a tolerance: python .ci/same_sound.py A.wav B.wav 1e-4"""

import sys

import numpy as np
import soundfile


def difference(first: str, second: str) -> float:
    """Return the largest difference of two files' samples, infinity where they differ in length, rate or channels."""
    one, rate = soundfile.read(first)
    other, other_rate = soundfile.read(second)
    if rate != other_rate or one.shape != other.shape:
        return float("inf")
    if not np.abs(one).max() > 0.01:
        raise SystemExit("%s: silence, which would be the same as any other" % first)
    return float(np.abs(one - other).max())


if __name__ == "__main__":
    found = difference(sys.argv[1], sys.argv[2])
    print("largest difference %.2g" % found)
    sys.exit(0 if found <= float(sys.argv[3]) else 1)
