"""Names for new presets, so that nobody has to write one on the module."""

from typing import List, Sequence

LONGEST = 24
"""Letters of a name that is made on the module; what a browser gives may be longer."""

_WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "glass", "heron", "iris", "jade", "kelp", "lark",
    "maple", "north", "onyx", "pine", "quartz", "river", "slate", "tide", "umber", "vale", "willow", "zinc",
)  # fmt: skip


def proposals(model: str, taken: Sequence[str], count: int = 6) -> List[str]:
    """Return names that are free: the model's with the next number, then single words in an order of their own."""
    used = {name.casefold() for name in taken}
    stem = model[: LONGEST - 4].strip() or "preset"
    number = 1
    while ("%s %d" % (stem, number)).casefold() in used:
        number += 1
    found = ["%s %d" % (stem, number)]
    # Every preset that is kept moves on, so that the next one is offered other words.
    for step in range(len(_WORDS)):
        name = _WORDS[(len(used) + step) % len(_WORDS)]
        if name.casefold() not in used and len(found) < count:
            found.append(name)
    return found
