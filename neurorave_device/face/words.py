"""Musical names of what a CV can move, as the player reads them on the screen and on the panel."""

from typing import Dict, NamedTuple


class Word(NamedTuple):
    """A destination's name in full, and one of at most six letters for the OLED."""

    full: str
    short: str


_WORDS: Dict[str, Word] = {
    "rms": Word("loudness", "loud"),
    "centroid": Word("brightness", "bright"),
    "bandwidth": Word("width", "width"),
    "sharpness": Word("sharpness", "sharp"),
    "booming": Word("boom", "boom"),
    "latent_0": Word("timbre", "timbre"),
    "temperature": Word("temperature", "temp"),
    "none": Word("nothing", "-"),
}
# Where the bundle's first latent is a pitch.
_PITCHED: Dict[str, Word] = {"latent_0": Word("pitch", "pitch")}


def word(name: str, pitched: bool = False) -> Word:
    """Return the musical name of a descriptor or latent; one that has none keeps its own.

    ``pitched``: the bundle that plays has a pitch for its first latent.
    """
    known = (_PITCHED.get(name) if pitched else None) or _WORDS.get(name)
    if known is None:
        plain = name.replace("_", " ")
        known = Word(plain, plain[:6])
    return known


def title(name: str) -> str:
    """Return a bundle's name as it is shown: 'hand_percussion' reads 'hand percussion'."""
    return name.replace("_", " ")
