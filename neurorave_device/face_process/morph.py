"""The morph as the face has it: what plays because of it, and what the player has taken out of it."""

from typing import Dict, Mapping, Optional, Tuple

from neurorave_device.link.settings import pack_morph, unpack_morph
from neurorave_device.link.shared import Cell
from neurorave_device.storage.morph import Morph, morph, stands


class FaceMorph:
    """Writes the cell that the sound process reads; the face's one thread."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        # A face that was started again goes on with the morph that plays.
        self._morph = unpack_morph(cell.read())
        self._playing: Dict[str, float] = {}
        self._made_for: Optional[Tuple[float, Morph]] = None

    @property
    def present(self) -> Optional[Morph]:
        """The morph that plays, None where none does."""
        return self._morph

    def put(self, wanted: Optional[Morph]) -> None:
        """Play a morph from now on, or none."""
        self._morph = wanted
        self._cell.write(pack_morph(wanted))

    def take_out(self, parameter_id: str) -> None:
        """Leave a parameter as it is set, whatever the morph holds of it."""
        present = self._morph
        if present is not None and parameter_id in present.first:
            self.put(present._replace(kept=present.kept | {parameter_id}))

    def value(self, parameter_id: str, values: Mapping[str, float], position: float) -> float:
        """Return a parameter's value that plays; see `over`."""
        present = self._morph
        if present is None or stands(present, values, parameter_id):
            return values[parameter_id]
        return self._ends(present, position).get(parameter_id, values[parameter_id])

    def over(self, values: Mapping[str, float], position: float) -> Dict[str, float]:
        """Return what plays: the `values` that are set, and in place of some of them what the morph holds."""
        present = self._morph
        found = dict(values)
        if present is None:
            return found
        for key, value in self._ends(present, position).items():
            if not stands(present, values, key):
                found[key] = value
        return found

    def _ends(self, present: Morph, position: float) -> Dict[str, float]:
        if self._made_for != (position, present):
            self._playing = morph(present.first, present.second, position)
            self._made_for = (position, present)
        return self._playing
