"""From one preset to another: what is kept of a morph, and a pure function over the parameter table."""

from typing import Dict, FrozenSet, Mapping, NamedTuple, Tuple

from neurorave_device.parameters import CV_COUNT, DESTINATIONS, PATCH_PARAMETERS

_MOVES_IT = float(DESTINATIONS.index("morph"))
# For each setting of a CV the one that says what it moves.
_DESTINATION_OF = {
    row.id: "cv%d.destination" % number
    for number in range(1, CV_COUNT + 1)
    for row in PATCH_PARAMETERS
    if row.id.startswith("cv%d." % number)
}


class Morph(NamedTuple):
    """The values of two presets that the module plays between, and their `names`.

    `kept` are the ids of those parameters that the player has changed since: they stay as they are set.
    """

    first: Mapping[str, float]
    second: Mapping[str, float]
    kept: FrozenSet[str] = frozenset()
    names: Tuple[str, str] = ("", "")


def stands(present: Morph, values: Mapping[str, float], parameter_id: str) -> bool:
    """Say whether a morph leaves a parameter as it is set in `values`.

    It leaves those that the player has changed since, and what moves the morph itself: it would pull the rug from under
    its own feet.
    """
    if parameter_id == "morph" or parameter_id in present.kept:
        return True
    destination = _DESTINATION_OF.get(parameter_id)
    return destination is not None and values[destination] == _MOVES_IT


def morph(
    first: Mapping[str, float], second: Mapping[str, float], position: float
) -> Dict[str, float]:
    """Return the values of all parameters of a preset at a position (0: the first, 1: the second) between two.

    Numbers move along their own curve, so that a time sweeps evenly by ear; choices, toggles and numbers that only
    count (the seed), which have nothing in between, switch at the half. What a preset lacks has its default. A position
    that is not a number counts as 0.
    """
    position = min(max(position, 0.0), 1.0) if position == position else 0.0
    found = {}
    for row in PATCH_PARAMETERS:
        start = row.clamp(first.get(row.id, row.default))
        end = row.clamp(second.get(row.id, row.default))
        if position in (0.0, 1.0) or not row.blends:
            found[row.id] = start if position < 0.5 else end
        else:
            unit = row.to_unit(start) + position * (row.to_unit(end) - row.to_unit(start))
            found[row.id] = row.from_unit(unit)
    return found
