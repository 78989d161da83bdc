"""What the face may ask to be done in the background: a look at the machine, and a bundle of facts for support."""

import abc
from typing import Optional, Tuple

from neurorave_device.update.trial import Standing


class Workshop(abc.ABC):
    """Every method returns at once and belongs to the face's one thread."""

    @abc.abstractmethod
    def celsius(self) -> Optional[float]:
        """Return how hot the processor is, None where no sensor tells."""

    @abc.abstractmethod
    def version(self) -> str:
        """Return the version of the program."""

    @abc.abstractmethod
    def standing(self) -> Standing:
        """Return how it stands with the versions: which one plays, and what has become of an update."""

    @abc.abstractmethod
    def test(self) -> None:
        """Begin to look what of the machine can be used; nothing where that is going on."""

    @abc.abstractmethod
    def tested(self) -> Tuple[str, str]:
        """Return what the last test says, in a word for a line of a list, and in full; '' before the first."""

    @abc.abstractmethod
    def pack(self) -> None:
        """Begin to write the support bundle; nothing where that is going on."""

    @abc.abstractmethod
    def packed(self) -> Tuple[str, str]:
        """Return what became of the last support bundle, in a word and in full; '' before the first."""
