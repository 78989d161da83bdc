"""The page of an evaluation: players, spectrograms with curves asked and heard, tables.

One folder that needs nothing else: `index.html`, `sounds/`, `pictures/`.
"""

import re
import shutil
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import jinja2
import numpy as np
import soundfile

from neurorave_device.engine.info import GuardInfo

from ..errors import RunFailure
from .examples import SECTIONS, Example, examples, number_of_examples
from .metrics import Floats
from .pictures import LEFT, RIGHT, draw
from .subject import Codec, Progress
from .tables import tables
from .text import number, span, steering_words

TEMPLATE = "page.html.j2"
# Made anew each time, so that nothing of an earlier page passes for this one's.
OWN_FOLDERS = ("sounds", "pictures")
OWN_FILES = ("reconstruction.png", "swapped.png", "eurorack.png")


class Card(NamedTuple):
    """An example as the template wants it: files relative to the page."""

    title: str
    picture: str
    sounds: "List[Dict[str, str]]"


def write_page(
    folder: Path,
    codec: Codec,
    clips: Sequence[Floats],
    result: Dict[str, Any],
    guard: Optional[GuardInfo] = None,
    transferred: Optional[Dict[str, Sequence[Floats]]] = None,
    progress: Optional[Progress] = None,
) -> None:
    """Write the page into a folder; RunFailure where that fails.

    What an earlier page left there is replaced, whatever else lies there stays.
    """
    quick = result["protocol"]["extent"] == "quick"
    total = number_of_examples(codec, len(clips), quick, guard is not None, transferred)
    sections: Dict[str, List[Card]] = {}
    try:
        _clear(folder)
        for done, example in enumerate(examples(codec, clips, quick, guard, transferred), start=1):
            cards = sections.setdefault(example.section, [])
            cards.append(_write(folder, example, codec, len(cards)))
            if progress is not None:
                progress(done, total, example.title)
        (folder / "index.html").write_text(_page(result, sections), encoding="utf-8")
    except OSError as error:
        raise RunFailure(f"--html {folder}: not written ({error.strerror or error}).") from error
    except soundfile.LibsndfileError as error:
        raise RunFailure(f"--html {folder}: not written ({error.error_string}).") from error


def _clear(folder: Path) -> None:
    for name in OWN_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    for name in OWN_FILES:
        (folder / name).unlink(missing_ok=True)


def _write(folder: Path, example: Example, codec: Codec, place: int) -> Card:
    """Write the files of an example, and say where they are."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{example.section}-{place}-{example.title}".lower()).strip(
        "-"
    )
    picture = f"pictures/{slug}.png"
    (folder / picture).write_bytes(draw(example, codec.sample_rate, codec.hop))
    sounds = []
    for i, sound in enumerate(example.sounds):
        name = f"sounds/{slug}-{i}.flac"
        audio = np.clip(sound.audio, -1.0, 1.0)
        soundfile.write(str(folder / name), audio, codec.sample_rate, subtype="PCM_16")
        sounds.append({"label": sound.label, "file": name})
    return Card(example.title, picture, sounds)


def _page(result: Dict[str, Any], sections: Dict[str, List[Card]]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made = result["reconstruction"]
    control = result["control"]
    headline = [
        ("mSTFT", number(made["mstft"], 2), span(made["intervals"]["mstft"], 2)),
        ("latent use", number(made["latent_use"], 2), span(made["intervals"]["latent_use"], 2)),
    ]
    for condition in ("all_swapped", "one_free", "one_kept", "eurorack"):
        if condition in control:
            block = control[condition]
            title = f"{condition.replace('_', ' ')}, mean rho"
            headline.append((title, number(block["mean_rho"]), span(block["mean_rho_interval"])))
    return environment.get_template(TEMPLATE).render(
        name=str(result.get("name", result["bundle"])),
        version=result.get("version", ""),
        clips=result["clips"],
        seconds=result["seconds"],
        protocol=result["protocol"],
        clip_list=result.get("clip_list"),
        excluded=result["excluded_descriptors"],
        words=steering_words(result["steering"]),
        headline=headline,
        sections=[(*SECTIONS[key], cards) for key, cards in sections.items()],
        tables=list(tables(result)),
        left=LEFT,
        right=RIGHT,
    )
