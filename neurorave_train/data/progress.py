"""Progress of long work: a bar on a terminal, a line now and then elsewhere."""

import contextlib
import sys
from typing import Callable, Iterator, Optional

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

# Lines written to a log file for each task.
LOG_LINES = 4


class Progress:
    """Shows tasks one after another on stderr."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars: Optional[Bars] = None

    @contextlib.contextmanager
    def task(self, title: str, total: int) -> Iterator[Callable[[str], None]]:
        """Yield a function that tells one more of `total` is done, with its name."""
        if not self._console.is_terminal:
            yield self._logging_step(title, total)
            return
        if self._bars is None:
            self._bars = Bars(
                TextColumn("{task.description:>12}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[item]}", markup=False),
                console=self._console,
            )
            self._bars.start()
        bars, task = self._bars, self._bars.add_task(title, total=total, item="")
        yield lambda item: bars.update(task, advance=1, item=item[-40:])
        bars.update(task, item="")

    def _logging_step(self, title: str, total: int) -> Callable[[str], None]:
        done = 0
        every = max(1, -(-total // LOG_LINES))

        def step(item: str) -> None:
            nonlocal done
            done += 1
            if done % every == 0 or done == total:
                print(f"{title}: {done} of {total}", file=sys.stderr, flush=True)

        return step

    def stop(self) -> None:
        """Leave the terminal as it was; harmless when nothing is shown."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
