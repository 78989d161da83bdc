"""How fast training and preparation are against the original's way of working, in one run on one core.

The original extracts descriptors for each chunk of 65 536 samples with librosa and timbral_models when a
chunk is loaded. Its settings run here in our code (`paper`, or `crave` and `frave` at equal width), with that
extraction in the loader; ours measures with its own descriptors inside the step. Processor time throughout.
"""

import argparse
import contextlib
import io
import json
import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List

import lightning
import numpy as np
import soundfile
import torch

from benchmarks.descriptors import Recording, from_librosa, timbral
from neurorave_train.cli import main as train_command
from neurorave_train.data.measure import Meter
from neurorave_train.data.prepared import PreparedData
from neurorave_train.data.segments import SegmentDataset
from neurorave_train.training.families import build_training
from neurorave_train.training.recipe import load_recipe

DEFAULT = Path(__file__).parents[1] / "tests" / "data" / "hits"
CHUNK = 65536
LEAST_RATIO = 50.0


def cost(work: Callable[[], object], repeats: int) -> float:
    """Processor seconds of one call: the best of `repeats` after one to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def their_descriptors(audio: np.ndarray, rate: int, folder: Path) -> None:
    """What the original's loader does with a chunk."""
    path = folder / "chunk.wav"
    soundfile.write(path, audio, rate, "FLOAT")
    recording = Recording(path)
    from_librosa(recording)
    timbral(recording)


class Steps:
    """Training steps of a recipe outside a trainer, with its own optimisers."""

    def __init__(self, recipe_name: str, prepared: PreparedData) -> None:
        self.recipe = load_recipe(recipe_name)
        self.module: Any = build_training(self.recipe, prepared)
        d = self.recipe.data
        hits = prepared.split("train").hits
        self.data = SegmentDataset(hits, d.segment_frames * prepared.hop, 10_000, 0, d.gain_db)
        self.seconds = d.batch * d.segment_frames * prepared.hop / prepared.sample_rate
        self.drawn = 0

    def load(self) -> torch.Tensor:
        """A batch of segments."""
        items = [self.data[self.drawn + i] for i in range(self.recipe.data.batch)]
        self.drawn += len(items)
        return torch.stack(items)

    def run(self, steps: int) -> float:
        """Processor seconds a step, loading included."""
        seconds: List[float] = []
        bench = self

        class Batches(torch.utils.data.IterableDataset[torch.Tensor]):
            def __iter__(self) -> Any:
                for _ in range(steps + 1):
                    yield bench.load()

        class Clock(lightning.Callback):
            def on_train_batch_end(self, *_: Any, **__: Any) -> None:
                seconds.append(time.process_time())

        trainer = lightning.Trainer(
            accelerator="cpu",
            max_steps=steps + 1,
            callbacks=[Clock()],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        batches: Any = torch.utils.data.DataLoader(Batches(), batch_size=None)
        trainer.fit(self.module, batches)
        return (seconds[-1] - seconds[0]) / (len(seconds) - 1)


def preparation(folder: Path, work: Path) -> Dict[str, float]:
    """Processor seconds per second of sound: our whole `prepare`, our descriptors, and theirs.

    Theirs are the descriptors alone: reading and resampling, which ours includes, come on top.
    """
    recordings = [Recording(p) for p in sorted(folder.rglob("*.flac"))]
    seconds = sum(r.seconds for r in recordings)
    start = time.process_time()
    line = [
        "prepare",
        "--data",
        str(folder),
        "--out",
        str(work / "prepared"),
        "--valid-share",
        "0.2",
    ]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert train_command(line) == 0
    ours = (time.process_time() - start) / seconds
    # Compiled and cached by the first call.
    from_librosa(recordings[0])
    timbral(recordings[0])
    start = time.process_time()
    for recording in recordings:
        from_librosa(recording)
        timbral(recording)
    theirs = (time.process_time() - start) / seconds
    prepared = PreparedData(work / "prepared")
    meter = Meter(prepared.floor, prepared.sample_rate, prepared.hop)
    hits = [h for part in ("train", "valid") for h in prepared.split(part).hits]
    meter.measure(hits[0].audio)
    start = time.process_time()
    for hit in hits:
        meter.measure(hit.audio)
    alone = (time.process_time() - start) / seconds
    return {
        "seconds of sound": seconds,
        "ours, all of prepare": ours,
        "ours, descriptors": alone,
        "theirs, descriptors": theirs,
        "ratio of descriptors": theirs / alone,
        "ratio to all of prepare": theirs / ours,
    }


def main() -> int:
    """Run the benchmark; 1 where our descriptors are not LEAST_RATIO times faster."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder of FLAC files")
    parser.add_argument("--steps", type=int, default=4, help="steps of each recipe (default: 4)")
    parser.add_argument(
        "--recipe",
        action="append",
        help="recipes (default: playable, crave, frave); `paper` takes minutes",
    )
    parser.add_argument("--preparation", action="store_true", help="no training")
    parser.add_argument("--json", type=Path, help="write the figures")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        prepared_time = preparation(args.data, work)
        prepared = PreparedData(work / "prepared")
        rate = prepared.sample_rate
        chunk = SegmentDataset(prepared.split("train").hits, CHUNK, 4, 0)[0].numpy()
        extraction = cost(lambda: their_descriptors(chunk, rate, work), 2)
        report: Dict[str, Any] = {
            "preparation": prepared_time,
            "their descriptors of a chunk, s": extraction,
            "training": {},
        }
        recipes = args.recipe or ["playable", "crave", "frave"]
        for name in [] if args.preparation else recipes:
            recipe = load_recipe(name)
            found = prepared
            if recipe.family == "paper" and name.startswith("paper"):
                line = ["prepare", "--data", str(args.data), "--hop", "1024"]
                train_command([*line, "--out", str(work / "p1024"), "--valid-share", "0.2"])
                found = PreparedData(work / "p1024")
            steps = Steps(name, found)
            step = steps.run(args.steps)
            # The original's loader would do this for every chunk of the batch.
            loading = extraction * steps.seconds * rate / CHUNK
            report["training"][name] = {
                "s a step": step,
                "steps a second": 1.0 / step,
                "seconds of sound a second": steps.seconds / step,
                "s a step with extraction in the loader": step + loading,
                "steps a second with extraction in the loader": 1.0 / (step + loading),
            }
    print(json.dumps(report, indent=1))
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if prepared_time["ratio of descriptors"] >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
