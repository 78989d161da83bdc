"""What is wrong with some devices, said once when it begins and once when it is over."""

from typing import Callable, List, Sequence


class FaultTeller:
    """Remembers what it has said of each device; one thread.  `say` gets whole sentences."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: List[str] = []

    def follow(self, faults: Sequence[str]) -> None:
        """Take a sentence for each device, '' where it is well, in the same order each time; none: all are well."""
        self._said += [""] * (len(faults) - len(self._said))
        present = list(faults) + [""] * (len(self._said) - len(faults))
        for before, now in zip(self._said, present):
            if now and now != before:
                self._say(now)
            elif before and not now:
                self._say("This is over: %s." % _without_remedy(before))
        self._said = present


def _without_remedy(sentence: str) -> str:
    """Return a sentence without its full stop and the clause that says what to do."""
    what, _, remedy = sentence.rstrip(".").rpartition("; ")
    return what or remedy
