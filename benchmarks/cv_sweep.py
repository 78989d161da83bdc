"""Does the knob do what it says: each CV swept through its range, and what is heard per hit.

Two questions in one run, over several seeds. "Play": one slow ramp on one CV while gate 1 is clocked, so
every hit is another one; "same hit": the same hit again and again, each time under another voltage. The
figure is Spearman's rank correlation between voltage and heard descriptor over the middle 80 % of the
range, from the bundle's own meter; for CV 1, which forces the first latent, between the voltage and what
the bundle's encoder hears.
"""

import argparse
import json
import os
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from scipy.stats import spearmanr

from neurorave_device.config import load_config
from neurorave_device.engine.bundle import Bundle, load_bundle
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.parameters import by_id, default_values

HIT_SECONDS = 0.5
HITS = 48
MIDDLE = 4.0
# What counts as sounding: a descriptor of the noise floor says nothing about the hit.
AUDIBLE_DB = -60.0
LATENT = "latent 0"

Row = Tuple[float, float]


def patched(cv: int, volts: float) -> Volts:
    """Volts with one CV at `volts` and the others at rest."""
    values = [0.0] * 4
    values[cv - 1] = volts
    return values[0], values[1], values[2], values[3]


def play(bundle: Bundle, values: Dict[str, float], cv: int, course: Sequence[float]) -> List[Row]:
    """Plays one hit per voltage of `course`; returns (volts, heard) of each."""
    voice = Voice(bundle, values)
    rate, hop = voice.sample_rate, voice.hop
    span = round(HIT_SECONDS * rate / hop) * hop
    audio, heard = [], []
    for number, volts in enumerate(course):
        edges = [
            Edge(1, True, number * span / rate),
            Edge(1, False, (number * span + 400) / rate),
        ]
        audio.append(voice.render(span, lambda _, v=volts: patched(cv, v), edges))
        voice.listen(audio[-1])
        heard.extend(voice.take_heard())
    audio.append(voice.render(4 * hop, lambda _: patched(cv, course[-1])))
    voice.listen(audio[-1])
    heard.extend(voice.take_heard())
    names = [row.name for row in bundle.info.descriptors]
    loudness = bundle.info.descriptors[names.index("rms")]
    silent = float(np.interp(AUDIBLE_DB, loudness.quantiles, np.linspace(0.01, 0.99, 25)))
    frames = len(course) * span // hop
    q = np.array([report.heard for report in heard[:frames]])
    target = moved(values, cv)
    if target == LATENT:
        followed = encode(bundle, np.concatenate(audio))[:frames]
    else:
        followed = q[:, names.index(target)]
    sounding = (q[:, names.index("rms")] > silent) | (target == "rms")
    rows = []
    for k, volts in enumerate(course):
        place = slice(k * span // hop, (k + 1) * span // hop)
        if sounding[place].any():
            rows.append((volts, float(followed[place][sounding[place]].mean())))
    return rows


def moved(values: Dict[str, float], cv: int) -> str:
    """The name of what a CV moves under these settings."""
    key = "cv{}.destination".format(cv)
    name = by_id(key).format(values[key])
    return LATENT if name == "latent_0" else name


def encode(bundle: Bundle, audio: np.ndarray) -> np.ndarray:
    """Latent 0 [frames] that the encoder hears, aligned to the frames of `audio`."""
    graph = make_engine("onnx", 1).load(os.path.join(bundle.path, "encoder.onnx"))
    hop = bundle.info.hop
    late = bundle.info.latency_samples
    padded = np.concatenate([audio, np.zeros(late + hop, np.float32)])[late % hop :]
    frames = len(padded) // hop
    found = [
        float(graph.run(audio=padded[None, i * hop : (i + 1) * hop])["latents"][0, 0, 0])
        for i in range(frames)
    ]
    return np.array(found[late // hop :])


def same_hit(
    bundle: Bundle, values: Dict[str, float], cv: int, course: Sequence[float]
) -> List[Row]:
    """The same hit under each voltage: a fresh voice each time, so noise and seed are the same."""
    rows: List[Row] = []
    for volts in course:
        rows.extend(play(bundle, values, cv, [volts]))
    return rows


def correlation(rows: Sequence[Row]) -> float:
    """Spearman's rank correlation of (volts, heard) within the middle of the range."""
    kept = [row for row in rows if abs(row[0]) <= MIDDLE]
    return float(spearmanr([row[0] for row in kept], [row[1] for row in kept])[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", default="models/hand_percussion")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--preset", help="YAML file with a patch, default: the factory settings")
    parser.add_argument("--json", help="where to write the report, - for the screen only")
    args = parser.parse_args()
    bundle = load_bundle(args.bundle, make_engine("onnx", 1))
    base = default_values()
    if args.preset:
        base.update(load_config(args.preset).patch)
    report: Dict[str, Any] = {"bundle": args.bundle, "seeds": args.seeds, "cvs": {}}
    print("| CV | moves | play: worst, mean over seeds | same hit: worst, mean | heard from, to |")
    print("|---|---|---|---|---|")
    for cv in range(1, 5):
        course = np.linspace(-5.0, 5.0, HITS)
        # Exactly 0 V would count as unplugged.
        course = course[np.abs(course) > 0.06]
        playing, same, ends = [], [], []
        for seed in range(args.seeds):
            values = {**base, "seed": float(seed)}
            rows = play(bundle, values, cv, course.tolist())
            playing.append(correlation(rows))
            heard = np.array([row[1] for row in rows if abs(row[0]) <= MIDDLE])
            ends.append((float(heard[:6].mean()), float(heard[-6:].mean())))
            same.append(correlation(same_hit(bundle, values, cv, course[::3].tolist())))
        name = moved(base, cv)
        low, high = np.mean(ends, axis=0)
        report["cvs"][cv] = {"moves": name, "play": playing, "same_hit": same, "ends": ends}
        print(
            "| {} | {} | {:.3f}, {:.3f} | {:.3f}, {:.3f} | {:.2f}, {:.2f} |".format(
                cv, name, min(playing), np.mean(playing), min(same), np.mean(same), low, high
            ),
            flush=True,
        )
    if args.json and args.json != "-":
        with open(args.json, "w", encoding="utf-8") as handle:
            json.dump(report, handle, indent=1)


if __name__ == "__main__":
    main()
