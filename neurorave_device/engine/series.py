"""The series of hits that a seed stands for: which of its variants the next one is."""

from neurorave_device.inputs.lfo import hashed

# Sets the draws apart from the random courses of jacks and motions.
_COURSE = 1024


class Series:
    """Counts the hits under one seed; the same seed and the same shares give the same series of variants.

    `hits` is how many there were since the series began, `variant` the number of the newest one's variant.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.hits = 0
        self.variant = 0

    def begin(self, seed: int) -> None:
        """Begin a series, the present seed's again or another one's."""
        self.seed = seed
        self.hits = 0
        self.variant = 0

    def next(self, share: float) -> int:
        """Return the variant of the next hit: a new one for so large a share of the hits, otherwise the last one."""
        if self.hits > 0:
            drawn = 0.5 + 0.5 * hashed(self.seed, _COURSE, self.hits)
            if share >= 1.0 or drawn < share:
                self.variant += 1
        self.hits += 1
        return self.variant
