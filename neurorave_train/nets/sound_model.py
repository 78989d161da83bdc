"""A trained model of any family, as its prior and the export see it."""

from __future__ import annotations

from typing import TypeAlias

from neurorave_train.nets.model import PlayableModel
from neurorave_train.nets.paper_model import PaperModel

SoundModel: TypeAlias = PlayableModel | PaperModel
