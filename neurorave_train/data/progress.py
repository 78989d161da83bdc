"""Progress of long work: a bar on a terminal, a line now and then elsewhere."""

import contextlib
import sys
from typing import Callable, Iterator, Optional

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

# Called with an amount that was done and the name of what it was done to.
Step = Callable[[float, str], None]
# Lines written to a log file for each task.
LOG_LINES = 4


class Progress:
    """Shows tasks one after another on stderr."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars: Optional[Bars] = None

    @contextlib.contextmanager
    def task(self, title: str, total: float) -> Iterator[Step]:
        """Yield a function that tells how much more of `total` is done, and of what."""
        if not self._console.is_terminal:
            yield self._logging_step(title, total)
            return
        if self._bars is None:
            self._bars = Bars(
                TextColumn("{task.description:>12}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[item]}", markup=False),
                console=self._console,
            )
            self._bars.start()
        bars, task = self._bars, self._bars.add_task(title, total=total, item="")
        yield lambda amount, item: bars.update(task, advance=amount, item=item[-40:])
        bars.update(task, completed=total, item="")

    def _logging_step(self, title: str, total: float) -> Step:
        done, lines = 0.0, 0

        def step(amount: float, item: str) -> None:
            nonlocal done, lines
            done += amount
            reached = int(LOG_LINES * done / total + 1e-6)
            if reached > lines:
                lines = reached
                print(f"{title}: {100 * reached // LOG_LINES} %", file=sys.stderr, flush=True)

        return step

    def stop(self) -> None:
        """Leave the terminal as it was; harmless when nothing is shown."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
