"""Training for so much processor time: what makes runs on a shared machine comparable."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from neurorave_train.training.base import SoundTraining


class Budget(Callback):
    """Ends training when this process has spent `seconds` of processor time in steps.

    Validation and saving do not count. What is spent travels in the checkpoint, and the schedules of
    the module follow its share. The step that crosses the line is the last.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.process_time) -> None:
        self.seconds, self.clock = seconds, clock
        self.spent = 0.0
        self._since = clock()

    def state_dict(self) -> dict[str, Any]:
        return {"spent": self.spent}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.spent = float(state_dict["spent"])

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._since = self.clock()
        self._tell(module)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        now = self.clock()
        self.spent += now - self._since
        self._since = now
        self._tell(module)
        if self.spent >= self.seconds:
            trainer.should_stop = True

    def on_train_batch_start(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if batch_idx == 0:
            # An epoch begins after a validation, which is not paid for.
            self._since = self.clock()

    def _tell(self, module: lightning.LightningModule) -> None:
        if isinstance(module, SoundTraining):
            module.time_share = min(1.0, self.spent / self.seconds)
