"""The parameter table cut into the menu's pages, with the names and values as the player reads them."""

from typing import Dict, List, NamedTuple, Sequence, Tuple

from neurorave_device.parameter import Parameter
from neurorave_device.parameters import DESCRIPTORS

from .words import word


class Entry(NamedTuple):
    """One line of a menu page: a parameter, its name there, and its name where the first latent is a pitch."""

    parameter: Parameter
    name: str
    pitched_name: str

    def named(self, pitched: bool) -> str:
        """Return the name; ``pitched`` as in `word`."""
        return self.pitched_name if pitched else self.name


class Group(NamedTuple):
    """The entries of one page; ``key`` is what stands before the first dot of the table's ``page``."""

    key: str
    title: str
    entries: Tuple[Entry, ...]


_TITLES = {"cv1": "CV 1", "cv2": "CV 2", "cv3": "CV 3", "cv4": "CV 4", "midi": "MIDI"}


def title_of(key: str) -> str:
    """Return how a page is called."""
    return _TITLES.get(key, key[:1].upper() + key[1:])


def groups(parameters: Sequence[Parameter]) -> Tuple[Group, ...]:
    """Cut the table into pages, in its own order; what the table calls 'motion.rms' stands on the page 'motion'."""
    pages: Dict[str, List[Entry]] = {}
    for parameter in parameters:
        key = parameter.page.partition(".")[0]
        entry = Entry(parameter, _entry_name(parameter, False), _entry_name(parameter, True))
        pages.setdefault(key, []).append(entry)
    return tuple(Group(key, title_of(key), tuple(entries)) for key, entries in pages.items())


def _entry_name(parameter: Parameter, pitched: bool) -> str:
    """Return a parameter's name without what its page's title says already, qualities by their musical names."""
    key, _, part = parameter.page.partition(".")
    name = parameter.name
    for prefix in (title_of(key), part):
        if prefix and name.startswith(prefix + " "):
            name = name[len(prefix) + 1 :]
    if part or key == "descriptors":
        # A line per quality, and what belongs to it indented below.
        quality = part or parameter.id.partition(".")[0]
        last = parameter.id.rpartition(".")[2]
        return word(quality, pitched).full if last in ("mode", "shape") else "  " + last
    # Qualities are written small everywhere, also the one that is called the same by everybody.
    return word(name).full if name in DESCRIPTORS else name[:1].upper() + name[1:]


def alone(entry: Entry, pitched: bool = False) -> str:
    """Return an entry's name where the lines around it are not seen: 'loudness rate', not '  rate'."""
    if not entry.name.startswith(" "):
        return entry.named(pitched)
    quality = entry.parameter.page.partition(".")[2] or entry.parameter.id.partition(".")[0]
    return "%s %s" % (word(quality, pitched).full, entry.name.strip())


def moves_something(parameter: Parameter) -> bool:
    """Return whether a parameter's value is the name of what is moved."""
    return parameter.id.endswith(".destination")


def shown(parameter: Parameter, value: float, pitched: bool = False) -> str:
    """Return a value as the player reads it: destinations by their musical names; ``pitched`` as in `word`."""
    text = parameter.format(value)
    if moves_something(parameter):
        return word(text, pitched).full
    return text.replace("+-", "\u00b1")
