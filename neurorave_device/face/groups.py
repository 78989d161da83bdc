"""The parameter table cut into the menu's pages, with the names and values as the player reads them."""

from typing import Dict, List, NamedTuple, Sequence, Tuple

from neurorave_device.parameter import Parameter

from .words import word


class Entry(NamedTuple):
    """One line of a menu page: a parameter and its name there."""

    parameter: Parameter
    name: str


class Group(NamedTuple):
    """One menu page: its title and its entries."""

    title: str
    entries: Tuple[Entry, ...]


SOUND = "Sound"
DESCRIPTORS = "Descriptors"
GATES = "Gates"
_BEHIND_CVS = (GATES, DESCRIPTORS, SOUND)


def group_title(parameter: Parameter) -> str:
    """Return the page that a parameter belongs to, from its id alone."""
    head, dot, tail = parameter.id.partition(".")
    if not dot:
        return SOUND
    if head.startswith("cv") and head[2:].isdigit():
        return "CV " + head[2:]
    if head.startswith("gate") or head == "macro":
        return GATES
    if tail in ("mode", "value"):
        return DESCRIPTORS
    return head.capitalize()


def groups(parameters: Sequence[Parameter]) -> Tuple[Group, ...]:
    """Cut the table into pages: the CVs, then gates, descriptors and the sound, then the rest in the table's order."""
    pages: Dict[str, List[Entry]] = {}
    for parameter in parameters:
        title = group_title(parameter)
        pages.setdefault(title, []).append(Entry(parameter, _entry_name(parameter, title)))
    order = [title for title in pages if title.startswith("CV ")]
    order += [title for title in _BEHIND_CVS if title in pages]
    order += [title for title in pages if title not in order]
    return tuple(Group(title, tuple(pages[title])) for title in order)


def _entry_name(parameter: Parameter, title: str) -> str:
    """Return a parameter's name without what its page's title says already."""
    if title == DESCRIPTORS:
        head, _, tail = parameter.id.partition(".")
        return word(head).full if tail == "mode" else "  " + tail
    name = parameter.name
    if name.startswith(title + " "):
        name = name[len(title) + 1 :]
    return name[:1].upper() + name[1:]


def shown(parameter: Parameter, value: float) -> str:
    """Return a value as the player reads it: destinations by their musical names."""
    text = parameter.format(value)
    if parameter.id.endswith(".destination"):
        return word(text).full
    return text.replace("+-", "\u00b1")
