"""What one can listen to on the page: sounds, with what was asked and what was heard."""

from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from neurorave_device.engine.info import GuardInfo

from .curves import SHAPES, Modulator, modulate
from .guarding import Wish, guard_limiter, limited
from .metrics import Floats
from .requests import free_but, held
from .steering import in_its_place
from .subject import (
    DESCRIPTORS,
    NEUTRAL,
    RMS,
    Codec,
    Reference,
    decode_all,
    followed,
    measure_all,
    refer,
)
from .transfer import modes, transfer

EXAMPLES = 4
# Several clips in a row are heard as one; a single one of 1.3 s is hard to judge.
CLIPS_EACH = 3
SPEED_HZ = 2.0
QUICK_SHAPES = ("ramp_up", "square")
GUARDED = ("centroid", "sharpness")
TRANSFERRED = 2
SEED = 0

SECTIONS = {
    "reconstruction": (
        "Original and reconstruction",
        "From its own latents and its own five descriptors.",
    ),
    "modulators": (
        "One descriptor modulated",
        "The latents of a recording, one descriptor asked to follow a curve, the others free (or the "
        "recording's own, where the model frees none); loudness is held unless it is the one.",
    ),
    "attributes": (
        "Descriptors of another recording",
        "The latents of one recording, all five curves of another.",
    ),
    "guard": (
        "With and without the guard",
        "A square wave on one descriptor while the others are asked as they were: a wish that no "
        "sound fulfils.",
    ),
    "timbre": (
        "Sound of another set",
        "A recording of another set played by this model.",
    ),
}


class Sound(NamedTuple):
    """One player: what it is, samples [T], and whether it was made by the model."""

    label: str
    audio: Floats


class Example(NamedTuple):
    """A card of the page.

    `asked` and `heard` map descriptors to curves [F] in quantile units; the last sound is the one
    that they belong to. Every sound gets its spectrogram.
    """

    section: str
    title: str
    sounds: List[Sound]
    asked: Dict[str, Floats]
    heard: Dict[str, Floats]


def joined(clips: Sequence[Floats]) -> List[Floats]:
    """Some of the clips, each with those that follow it: two or more sounds of one length."""
    each = max(1, min(CLIPS_EACH, len(clips) // 2))
    count = len(clips) // each
    chosen = np.unique(np.linspace(0, count - 1, min(EXAMPLES, count)).round().astype(int))
    return [np.concatenate(list(clips[i * each : (i + 1) * each])) for i in chosen]


def examples(
    codec: Codec,
    clips: Sequence[Floats],
    quick: bool = False,
    guard: Optional[GuardInfo] = None,
    transferred: Optional[Dict[str, Sequence[Floats]]] = None,
) -> Iterator[Example]:
    """Make the examples one after the other; `quick` leaves out most modulators."""
    reference = refer(codec, joined(clips))
    yield from _reconstructions(codec, reference)
    yield from _modulated(codec, reference, QUICK_SHAPES if quick else SHAPES)
    if codec.follows:
        yield from _attributes(codec, reference)
    if guard is not None:
        yield from _guarded(codec, reference, guard)
    for name, others in (transferred or {}).items():
        yield from _timbre(codec, name, joined(others)[:TRANSFERRED])


def number_of_examples(
    codec: Codec,
    clips: int,
    quick: bool,
    guard: bool,
    transferred: Optional[Dict[str, Sequence[Floats]]],
) -> int:
    """How many `examples` makes, for a progress bar."""
    originals = min(EXAMPLES, clips // max(1, min(CLIPS_EACH, clips // 2)))
    shapes = len(QUICK_SHAPES if quick else SHAPES)
    others = len(transferred or {}) * TRANSFERRED * len(modes(codec))
    moved = shapes * len(codec.follows) + len(_guarded_names(codec)) * guard
    return (2 if codec.follows else 1) * originals + moved + others


def _guarded_names(codec: Codec) -> List[str]:
    return [name for name in GUARDED if name in codec.follows]


def _curves(q: Floats, names: Sequence[str]) -> Dict[str, Floats]:
    return {name: q[:, DESCRIPTORS.index(name)] for name in names}


def _reconstructions(codec: Codec, reference: Reference) -> Iterator[Example]:
    rebuilt, heard = _played(codec, reference, reference.q, np.ones_like(reference.q))
    for i, audio in enumerate(reference.audio):
        sounds = [Sound("original", audio), Sound("reconstruction", rebuilt[i])]
        own, found = (_curves(q[i], DESCRIPTORS) for q in (reference.q, heard))
        yield Example("reconstruction", f"recording {i + 1}", sounds, own, found)


def _modulated(codec: Codec, reference: Reference, shapes: Sequence[str]) -> Iterator[Example]:
    rate = codec.sample_rate / codec.hop
    for d in followed(codec):
        name = DESCRIPTORS[d]
        # Another recording for each descriptor.
        one = _only(reference, d % len(reference.audio))
        for shape in shapes:
            wave = Modulator(shape, SPEED_HZ, "replaced")
            curve = modulate(wave, one.q[0, :, d], rate, 0.0)
            audio, heard = _played(codec, one, held(one.q, d, curve[None]), free_but(one.q, d))
            yield Example(
                "modulators",
                f"{name}: {shape.replace('_', ' ')}",
                [Sound("the model", audio[0])],
                {name: curve},
                _curves(heard[0], [name]),
            )


def _attributes(codec: Codec, reference: Reference) -> Iterator[Example]:
    other = np.roll(reference.q, -1, axis=0)
    audio, heard = _played(codec, reference, other, np.ones_like(other))
    for i in range(len(audio)):
        donor = (i + 1) % len(audio)
        sounds = [
            Sound("latents of", reference.audio[i]),
            Sound("descriptors of", reference.audio[donor]),
            Sound("the model", audio[i]),
        ]
        asked, found = (_curves(q[i], codec.follows) for q in (other, heard))
        title = f"recording {i + 1} with the curves of {donor + 1}"
        yield Example("attributes", title, sounds, asked, found)


def _guarded(codec: Codec, reference: Reference, guard: GuardInfo) -> Iterator[Example]:
    rate = codec.sample_rate / codec.hop
    limit = guard_limiter(guard)
    for i, name in enumerate(_guarded_names(codec)):
        d = DESCRIPTORS.index(name)
        one = _only(reference, i % len(reference.audio))
        asked = one.q.copy()
        wave = Modulator("square", SPEED_HZ, "replaced")
        asked[0, :, d] = modulate(wave, one.q[0, :, d], rate, 0.0)
        wish = Wish("one_kept", name, [d], asked, np.ones_like(asked))
        raw, _ = _played(codec, one, asked, wish.mask)
        audio, heard = _played(codec, one, limited(wish, one, limit), wish.mask)
        sounds = [Sound("without the guard", raw[0]), Sound("with the guard", audio[0])]
        yield Example(
            "guard",
            f"{name}: square, the others kept",
            sounds,
            _curves(asked[0], [name]),
            _curves(heard[0], [name]),
        )


def _timbre(codec: Codec, name: str, clips: Sequence[Floats]) -> Iterator[Example]:
    if len(clips) < 2:
        return
    found, asked = transfer(codec, clips, SEED)
    for mode, audio in found.results.items():
        heard = measure_all(codec, audio)
        names = codec.follows if mode == "all" else DESCRIPTORS[RMS : RMS + 1]
        for i in range(len(audio)):
            sounds = [Sound(f"source ({name})", found.source[i]), Sound("the model", audio[i])]
            wanted, got = (_curves(q[i], names) for q in (asked, heard))
            yield Example("timbre", f"{name} {i + 1}: {modes(codec)[mode]}", sounds, wanted, got)


def _only(reference: Reference, i: int) -> Reference:
    """One clip of a reference."""
    return Reference(*(part[i : i + 1] for part in reference))


def _played(
    codec: Codec, reference: Reference, asked: Floats, mask: Floats
) -> Tuple[Floats, Floats]:
    """Sound [N, T] of a request with the reference's latents, and what is heard in it [N, F, D]."""
    values, given = in_its_place(
        codec, reference.q, np.where(mask > 0.0, asked, np.float32(NEUTRAL)), mask
    )
    audio = decode_all(codec, reference.z, values, given, SEED)
    return audio, measure_all(codec, audio)
