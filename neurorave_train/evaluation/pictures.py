"""Pictures of the page: spectrograms, and under them the curves asked and heard."""

import io
from typing import Any, Dict, List, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea

from .examples import Example
from .metrics import FLOOR_DB, Floats, hann, magnitudes

WINDOW, STEP = 1024, 256
WIDTH, SPECTROGRAM, CURVES, GAP = 4.4, 1.5, 1.1, 0.34
DPI = 120
COLOURS = {
    "rms": "#222222",
    "centroid": "#d1495b",
    "bandwidth": "#2e7d32",
    "sharpness": "#e07b00",
    "booming": "#1f5fa8",
}
# Where the time axis begins and ends in every picture, as shares of its width: the page's cursor
# goes by them.
LEFT, RIGHT = 0.1, 0.985


def draw(example: Example, sample_rate: int, hop: int) -> bytes:
    """A PNG: one spectrogram for each sound, and the curves of the last one."""
    seconds = len(example.sounds[-1].audio) / sample_rate
    rows = len(example.sounds)
    height = rows * (SPECTROGRAM + GAP) + CURVES + GAP + 0.1
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    top = height - GAP + 0.1
    for sound in example.sounds:
        axes = _axes(figure, top - SPECTROGRAM, SPECTROGRAM, height)
        _spectrogram(axes, sound.audio, sample_rate)
        axes.set_title(sound.label, fontsize=8, pad=2, loc="left")
        axes.set_xticklabels([])
        top -= SPECTROGRAM + GAP
    axes = _axes(figure, top - CURVES, CURVES, height)
    _curves(axes, example.asked, example.heard, hop / sample_rate)
    axes.set_xlim(0.0, seconds)
    axes.set_xlabel("s", fontsize=7, labelpad=0)
    stream = io.BytesIO()
    figure.savefig(stream, dpi=DPI, format="png")
    return stream.getvalue()


def _axes(figure: Figure, bottom: float, tall: float, height: float) -> Any:
    # Placed by hand: matplotlib's own layout takes longer than making the sound.
    axes = figure.add_axes((LEFT, bottom / height, RIGHT - LEFT, tall / height))
    axes.tick_params(labelsize=6, length=2, pad=1)
    return axes


def _spectrogram(axes: Any, audio: Floats, sample_rate: int) -> None:
    # A full-scale sine is 0 dB.
    scale = 2.0 * np.sqrt(WINDOW) / float(hann(WINDOW).sum())
    level = 20.0 * np.log10(magnitudes(audio[None], WINDOW, STEP)[0] * scale + 1e-6)
    axes.imshow(
        level.T,
        origin="lower",
        aspect="auto",
        extent=(0.0, len(audio) / sample_rate, 0.0, sample_rate / 2000.0),
        vmin=FLOOR_DB - 10.0,
        vmax=-20.0,
        cmap="magma",
    )
    # Linear below 1 kHz: where drums have their tones.
    axes.set_yscale("symlog", linthresh=1.0, linscale=1.0)
    axes.set_yticks([0.0, 0.5, 1.0, 5.0, 10.0], ["0", ".5", "1", "5", "10 kHz"])


def _curves(
    axes: Any, asked: Dict[str, Floats], heard: Dict[str, Floats], seconds_per_frame: float
) -> None:
    for name, curve in asked.items():
        time = (np.arange(len(curve)) + 0.5) * seconds_per_frame
        axes.plot(time, curve, color=COLOURS[name], linewidth=0.9, linestyle=(0, (4, 1.5)))
        axes.plot(time, heard[name], color=COLOURS[name], linewidth=1.1, alpha=0.75)
    axes.set_ylim(-0.05, 1.05)
    axes.set_yticks([0.0, 0.5, 1.0])
    _legend(axes, list(asked))


def _legend(axes: Any, names: Sequence[str]) -> None:
    """The names in their colours above the curves."""
    words = [("asked (dashed) and heard:", "#222222"), *((name, COLOURS[name]) for name in names)]
    parts: List[Artist] = [
        TextArea(word, textprops={"color": ink, "fontsize": 7}) for word, ink in words
    ]
    row = HPacker(children=parts, align="baseline", pad=0, sep=4)
    place = {"bbox_to_anchor": (0.0, 1.02), "bbox_transform": axes.transAxes}
    axes.add_artist(
        AnchoredOffsetbox("lower left", child=row, frameon=False, pad=0, borderpad=0, **place)
    )
