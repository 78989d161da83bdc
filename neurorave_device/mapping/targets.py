"""What the mapping asks for in one frame, before the prior's own curves are known."""

from typing import NamedTuple, Tuple


class Targets(NamedTuple):
    """The targets of one frame; D descriptors in the bundle's order, in quantile units.

    `forced` is the value of latent 0 (latent units), used where `force`.  `descriptors` are absolute
    values (0..1) where `replace`, otherwise they are added to the prior's curve.  `mask` says which
    are asked.  `moved` are those that the player is moving now (CV or macro): the guard lets the
    others give way.  `loudness` is the index of rms, -1 where the bundle has none; between the two
    values of `fade` (quantile units of the prior's rms) additions to rms fade in, so that silence
    stays silent.  `temperature`, `vary` and `level` (dB) are the settings with what CVs add to them,
    `macro` is the height of the macro (-1..1) and `morph` the position of the morph (0..1).
    """

    forced: float
    force: bool
    descriptors: Tuple[float, ...]
    replace: Tuple[bool, ...]
    mask: Tuple[bool, ...]
    moved: Tuple[bool, ...]
    loudness: int = 0
    fade: Tuple[float, float] = (0.0, 0.25)
    temperature: float = 1.0
    vary: float = 1.0
    level: float = 0.0
    macro: float = 0.0
    morph: float = 0.0
