"""The HTML report: spectrograms beside their reconstructions, curves asked and heard, tables."""

import html
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..errors import RunFailure
from .curves import eurorack_curves
from .metrics import FLOOR_DB, Array, Floats, hann, magnitudes
from .protocol import DESCRIPTORS, HELD_RMS, NEUTRAL, RMS, Codec, donors
from .text import FIGURES, TITLES, number

PICTURES = 4
WINDOW, STEP = 1024, 128
STYLE = """body{font:15px/1.5 sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{padding:.2rem .8rem;text-align:right;
border-bottom:1px solid #ddd}th:first-child,td:first-child{text-align:left}img{max-width:100%}"""


def write_report(
    folder: Path, codec: Codec, clips: Sequence[Floats], result: Dict[str, Any]
) -> None:
    """Write index.html and its pictures into an existing folder; RunFailure where that fails."""
    audio = np.stack(list(clips))
    chosen = np.unique(np.linspace(0, len(audio) - 1, PICTURES).round().astype(int))
    z, own = codec.encode(audio[chosen]), codec.measure(audio[chosen])[1]
    rebuilt = codec.decode(z, own, np.ones_like(own), 0)
    pictures = {
        "reconstruction.png": _spectrograms(codec, audio[chosen], rebuilt, chosen),
        "swapped.png": _swapped(codec, z, own, chosen),
        "eurorack.png": _eurorack(codec, z[:1], own[:1]),
    }
    try:
        for name, figure in pictures.items():
            FigureCanvasAgg(figure)
            figure.savefig(folder / name, dpi=80)
        (folder / "index.html").write_text(_page(result), encoding="utf-8")
    except OSError as error:
        raise RunFailure(f"--html {folder}: not written ({error.strerror}).") from error


def _spectrograms(codec: Codec, before: Floats, after: Floats, chosen: Array) -> Figure:
    figure = Figure(figsize=(13, 3.1 * len(before)), layout="constrained")
    grid = figure.subplots(len(before), 2, sharex=True, sharey=True, squeeze=False)
    # A full-scale sine is 0 dB.
    scale = 2.0 * np.sqrt(WINDOW) / float(hann(WINDOW).sum())
    extent = (0.0, before.shape[1] / codec.sample_rate, 0.0, codec.sample_rate / 2000.0)
    for row, pair, clip in zip(grid, zip(before, after), chosen):
        for axes, sound, what in zip(row, pair, ("original", "reconstruction")):
            level = 20.0 * np.log10(magnitudes(sound[None], WINDOW, STEP)[0] * scale + 1e-6)
            image = axes.imshow(
                level.T,
                origin="lower",
                aspect="auto",
                extent=extent,
                vmin=FLOOR_DB - 20.0,
                vmax=-20.0,
                cmap="magma",
            )
            # Linear below 1 kHz: where drums have their tones.
            axes.set_yscale("symlog", linthresh=1.0, linscale=1.0)
            axes.set_title(f"clip {clip}: {what}")
            axes.set_ylabel("kHz")
    for axes in grid[-1]:
        axes.set_xlabel("s")
    figure.colorbar(image, ax=grid, label="dB", shrink=0.6)
    return figure


def _swapped(codec: Codec, z: Floats, own: Floats, chosen: Array) -> Figure:
    """All five curves of another of the shown clips, asked and heard."""
    asked = own[donors(len(own), 0)]
    heard = codec.measure(codec.decode(z, asked, np.ones_like(asked), 0))[1]
    figure = Figure(figsize=(13, 9), layout="constrained")
    grid = figure.subplots(len(DESCRIPTORS), len(own), sharex=True, sharey="row", squeeze=False)
    for d, row in enumerate(grid):
        for i, axes in enumerate(row):
            _curves(axes, codec, asked[i, :, d], heard[i, :, d])
            if d == 0:
                axes.set_title(f"latents of clip {chosen[i]}")
        row[0].set_ylabel(DESCRIPTORS[d])
    grid[0][0].legend(loc="lower left", fontsize="small")
    return figure


def _eurorack(codec: Codec, z: Floats, own: Floats) -> Figure:
    """Each descriptor under each invented curve, the others free, with the latents of one clip."""
    shapes = eurorack_curves(1, own.shape[1], codec.sample_rate / codec.hop)
    figure = Figure(figsize=(13, 9), layout="constrained")
    grid = figure.subplots(len(DESCRIPTORS), len(shapes), sharex=True, sharey=True, squeeze=False)
    for d, row in enumerate(grid):
        for axes, (shape, curve) in zip(row, shapes.items()):
            asked, mask = np.full_like(own, NEUTRAL), np.zeros_like(own)
            asked[..., RMS] = HELD_RMS
            asked[..., d] = curve
            mask[..., [RMS, d]] = 1.0
            heard = codec.measure(codec.decode(z, asked, mask, 0))[1]
            _curves(axes, codec, asked[0, :, d], heard[0, :, d])
            if d == 0:
                axes.set_title(shape)
        row[0].set_ylabel(DESCRIPTORS[d])
    grid[0][0].legend(loc="lower left", fontsize="small")
    return figure


def _curves(axes: Any, codec: Codec, asked: Floats, heard: Floats) -> None:
    time = (np.arange(len(asked)) + 0.5) * codec.hop / codec.sample_rate
    axes.plot(time, asked, color="black", linewidth=1.0, label="asked")
    axes.plot(time, heard, color="tab:red", linewidth=1.0, label="heard")
    axes.set_ylim(-0.1, 1.1)


def _page(result: Dict[str, Any]) -> str:
    made = result["reconstruction"]
    name = html.escape(str(result.get("name", result["bundle"])))
    figures = [["mSTFT", number(made["mstft"])]]
    figures += [["its standard error over the clips", number(made["mstft_standard_error"])]]
    figures += [["log-mel L1, dB", number(made["log_mel_l1"])]]
    figures += [["loudness L1, dB", number(made["loudness_l1_db"])]]
    figures += [["latent use", number(made["latent_use"])]]
    figures += [["buzz over the original, dB", number(made["buzz_db"])]]
    buzz = [
        [number(b["hz"], 0), number(b["original_db"]), number(b["model_db"])] for b in made["buzz"]
    ]
    latent = [[str(i), number(s)] for i, s in enumerate(result["latent"]["std"])]
    parts = [
        f"<h1>{name}</h1><p>{result['clips']} clips, {result['seconds']:.1f} s. Frames in quantile "
        "units (0..1 of the training set).</p><h2>Reconstruction</h2>",
        _table(["figure", "value"], figures),
        '<img src="reconstruction.png" alt="spectrograms of originals and reconstructions">',
        "<h3>Flutter at the frame rate and its multiples, dB over the neighbours</h3>",
        _table(["Hz", "original", "model"], buzz),
        "<h2>Control</h2>",
    ]
    for condition, block in result["control"].items():
        rows = [[d] + [number(block[d][figure]) for figure in FIGURES] for d in DESCRIPTORS]
        rows.append(["mean", number(block["mean_rho"])])
        parts.append(f"<h3>{condition}: {TITLES[condition]}</h3>")
        parts.append(_table(["descriptor", *FIGURES], rows))
        if condition == "eurorack":
            shapes = list(block["mean_rho_by_curve"])
            rows = [[d] + [number(block[d]["curves"][s]) for s in shapes] for d in DESCRIPTORS]
            rows.append(["mean", *(number(block["mean_rho_by_curve"][s]) for s in shapes)])
            parts.append(_table(["rho by curve", *shapes], rows))
    if "oracle" in result:
        parts.append(_oracle(result["oracle"]))
    parts += [
        "<h3>All five curves of another clip</h3>",
        '<img src="swapped.png" alt="curves of another clip, asked and heard">',
        "<h3>Eurorack curves, the others free</h3>",
        '<img src="eurorack.png" alt="invented curves, asked and heard">',
        "<h2>Latent</h2><h3>Standard deviation over the clips</h3>",
        _table(["coordinate", "std"], latent),
        "<h3>What a linear probe reads from it (R&sup2;)</h3>",
        _table(
            ["descriptor", "R&sup2;"],
            [[d, number(result["latent"]["probe_r2"][d])] for d in DESCRIPTORS],
        ),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _oracle(found: Dict[str, Any]) -> str:
    rows: List[List[str]] = []
    for d in DESCRIPTORS:
        pair = found["agreement"][d]
        words = html.escape(found["skipped"].get(d, ""))
        rows.append([d, number(pair["rho"]), number(pair["difference"]), words])
    return (
        "<h3>The answers above were measured by the oracles. They and the bundle's meter on the "
        "originals:</h3>" + _table(["descriptor", "rho", "difference (quantiles)", ""], rows)
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"
