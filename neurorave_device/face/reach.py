"""What the pages can reach: the sound process, what is kept, and what works in the background."""

from typing import Callable, List, NamedTuple, Optional

from .catch_up import CatchUp
from .link import FaceLink
from .memory import Memory
from .procedures import Procedures
from .workshop import Workshop


class Reach(NamedTuple):
    """Handed to every page. ``memory``, ``workshop`` and ``procedures`` are None where there are none.

    ``say`` shows the player a text: a short one at the lower edge of the page, a longer one in its place.
    """

    link: FaceLink
    say: Callable[[str, float], None]
    catch_up: CatchUp
    memory: Optional[Memory] = None
    workshop: Optional[Workshop] = None
    procedures: Optional[Procedures] = None

    def presets(self) -> List[str]:
        """Return the names of the presets, none where none are kept."""
        return [] if self.memory is None else self.memory.presets()
