"""Training segments and validation clips as Lightning reads them."""

from __future__ import annotations

import lightning
import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from neurorave_device.errors import UserError
from neurorave_train.data.pitch import Pitch, PitchedSegments, pitches_of
from neurorave_train.data.prepared import PreparedData
from neurorave_train.data.segments import LONGEST_CLIP_SECONDS, SegmentDataset, join_clips
from neurorave_train.training.families import hears_pitch

VALIDATION_SECONDS = 1.3


class SegmentData(lightning.LightningDataModule):
    """Draws `validate_every` batches an epoch; each epoch has its own seed, so a resume at an
    epoch's end continues with the very segments an uninterrupted run would draw.
    """

    def __init__(self, prepared: PreparedData, recipe: DictConfig, steps_per_epoch: int) -> None:
        super().__init__()
        self.prepared, self.recipe, self.steps_per_epoch = prepared, recipe, steps_per_epoch
        if not prepared.split("train").hits:
            raise UserError(f"{prepared.folder} has no training recordings")
        self.pitches: list[Pitch] | None = None
        if hears_pitch(recipe):
            self.pitches = pitches_of(prepared, "train")

    def train_dataloader(self) -> DataLoader[Tensor]:
        d = self.recipe.data
        assert self.trainer is not None
        processes = self.trainer.world_size
        hits = self.prepared.split("train").hits
        samples = d.segment_frames * self.prepared.hop
        length = self.steps_per_epoch * d.batch * processes
        seed = self.recipe.seed * 100_003 + self.trainer.current_epoch
        dataset: SegmentDataset
        if self.pitches is None:
            dataset = SegmentDataset(hits, samples, length, seed, d.gain_db)
        else:
            hop = self.prepared.hop
            dataset = PitchedSegments(hits, self.pitches, hop, samples, length, seed, d.gain_db)
        # Interleaved: together the processes draw the very batch that one process would. Lightning's own
        # sampler would shuffle what is random already.
        sampler: DistributedSampler[Tensor] | None = None
        if processes > 1:
            rank = self.trainer.global_rank
            sampler = DistributedSampler(dataset, processes, rank, shuffle=False)
        return DataLoader(dataset, batch_size=d.batch, drop_last=True, sampler=sampler)

    def val_dataloader(self) -> DataLoader[Tensor]:
        hop = self.prepared.hop
        samples = int(VALIDATION_SECONDS * self.prepared.sample_rate) // hop * hop
        hits = self.prepared.split("valid").hits or self.prepared.split("train").hits
        longest = round(LONGEST_CLIP_SECONDS * self.prepared.sample_rate)
        clips = torch.from_numpy(np.stack(join_clips(hits, samples, longest=longest)))
        return DataLoader(_Clips(clips), batch_size=24)


class _Clips(Dataset[Tensor]):
    """The rows of one tensor as single items."""

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Tensor:
        return self.rows[index]
