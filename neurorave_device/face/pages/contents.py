"""The list of all pages: one click from the play page, one click to each of them."""

from typing import Callable, List, Sequence, Tuple

from ..reach import Reach
from ..words import title
from .lines import Deed, Line
from .list_page import ListPage
from .page import Move, Page


class ContentsPage(ListPage):
    """A line for each page, which is made when it is opened for the first time."""

    remembers = True

    def __init__(self, pages: Sequence[Tuple[str, Callable[[], Page]]], reach: Reach) -> None:
        super().__init__()
        self._reach = reach
        self._lines: List[Line] = [Deed(name, _opener(make)) for name, make in pages]

    @property
    def heading(self) -> str:
        return title(str(self._reach.link.info()["name"]))

    def entries(self) -> List[Line]:
        return self._lines


def _opener(make: Callable[[], Page]) -> Callable[[float], Move]:
    def do(now: float) -> Move:
        return make()

    return do
