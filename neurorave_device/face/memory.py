"""What the face may see of the memory: the names of the presets, what can be done with them, what became of it."""

import abc
from typing import List, Tuple


class Memory(abc.ABC):
    """The face's only way to what is kept; every method returns at once and belongs to the face's one thread.

    UserError, in one sentence, for a name that is not allowed or not there.
    """

    @abc.abstractmethod
    def presets(self) -> List[str]:
        """Return the names of the presets, sorted."""

    @abc.abstractmethod
    def present(self) -> str:
        """Return the name of the preset that was loaded or saved last, '' where none was."""

    @abc.abstractmethod
    def save_preset(self, name: str) -> None:
        """Keep what is set now under a name, in place of a preset that has it."""

    @abc.abstractmethod
    def load_preset(self, name: str) -> None:
        """Set what a preset holds."""

    @abc.abstractmethod
    def morph_presets(self, first: str, second: str) -> None:
        """Play between two presets; loading a preset ends that."""

    @abc.abstractmethod
    def rename_preset(self, name: str, new: str) -> None:
        """Give a preset another name."""

    @abc.abstractmethod
    def delete_preset(self, name: str) -> None:
        """Remove a preset for good."""

    @abc.abstractmethod
    def said(self) -> Tuple[int, str]:
        """Return how many sentences there were, and the newest one for the player, '' before the first."""
