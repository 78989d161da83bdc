"""Checks of what the module plays and keeps: bundles and the card."""

from typing import List, Optional, Sequence

from neurorave_device.doctor.machine import Machine
from neurorave_device.doctor.results import OK, WARN, Result


def content(machine: Machine, folders: Sequence[str], card: Optional[str]) -> List[Result]:
    """Check all of it; ``folders`` hold bundles."""
    results = [_models(machine, folders)]
    if card is not None:
        results.append(_card(machine, card))
    return results


def _models(machine: Machine, folders: Sequence[str]) -> Result:
    found, missing = [], []
    for folder in folders:
        try:
            found += machine.bundles(folder)
        except OSError:
            missing.append(folder)
    good = [name for name, fault in found if not fault]
    bad = [fault for _, fault in found if fault]
    if bad:
        return Result("models", WARN, bad[0])
    if good:
        return Result("models", OK, ", ".join(good))
    text = "no folder %s here" if missing else "no bundle in %s"
    return Result(
        "models",
        WARN,
        (text + ": give `neurorave run` a bundle with --bundle DIR.") % " or ".join(folders),
    )


def _card(machine: Machine, card: str) -> Result:
    state = machine.card(card)
    if state.sentence:
        return Result("card", WARN, state.sentence)
    room = "room unknown" if state.free is None else "%d MB free" % (state.free // 1000000)
    return Result("card", OK, "%s, %s" % (card, room))
