"""The HTML report: spectrograms beside their reconstructions, curves asked and heard, tables."""

import html
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..errors import RunFailure
from .curves import eurorack_curves
from .metrics import FLOOR_DB, Array, Floats, hann, magnitudes
from .subject import DESCRIPTORS, HELD_RMS, NEUTRAL, RMS, Codec, donors
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
    }
    if "eurorack" in result["control"]:
        pictures["eurorack.png"] = _eurorack(codec, z[:1], own[:1])
    try:
        # One of an earlier report would pass for this one's.
        (folder / "eurorack.png").unlink(missing_ok=True)
        for name, figure in pictures.items():
            FigureCanvasAgg(figure)
            figure.savefig(folder / name, dpi=80)
        (folder / "index.html").write_text(_page(result), encoding="utf-8")
    except OSError as error:
        raise RunFailure(f"--html {folder}: not written ({error.strerror}).") from error


def _spectrograms(codec: Codec, before: Floats, after: Floats, chosen: Array) -> Figure:
    figure = Figure(figsize=(13, 3.0 * len(before)))
    # Placed by hand: matplotlib's own layout takes longer than the evaluation of a clip.
    figure.subplots_adjust(0.05, 0.05, 0.915, 0.97, 0.04, 0.16)
    grid = figure.subplots(len(before), 2, sharex=True, sharey=True, squeeze=False)
    # A full-scale sine is 0 dB.
    scale = 2.0 * np.sqrt(WINDOW) / float(hann(WINDOW).sum())
    extent = (0.0, before.shape[1] / codec.sample_rate, 0.0, codec.sample_rate / 2000.0)
    for row, pair, clip in zip(grid, zip(before, after), chosen):
        row[0].set_ylabel("kHz")
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
            axes.set_yticks([0.0, 0.5, 1.0, 5.0, 10.0], ["0", "0.5", "1", "5", "10"])
            axes.set_title(f"clip {clip}: {what}")
    figure.colorbar(image, cax=figure.add_axes((0.928, 0.3, 0.012, 0.4)), label="dB")
    return figure


def _swapped(codec: Codec, z: Floats, own: Floats, chosen: Array) -> Figure:
    """All five curves of another of the shown clips, asked and heard."""
    asked = own[donors(len(own), 0)]
    heard = codec.measure(codec.decode(z, asked, np.ones_like(asked), 0))[1]
    pairs = [(asked[:, :, d], heard[:, :, d]) for d in range(len(DESCRIPTORS))]
    return _curves(codec, pairs, [f"latents of clip {clip}" for clip in chosen])


def _eurorack(codec: Codec, z: Floats, own: Floats) -> Figure:
    """Each descriptor under each invented curve, the others free, with the latents of one clip."""
    shapes = eurorack_curves(1, own.shape[1], codec.sample_rate / codec.hop)
    curves = np.concatenate(list(shapes.values()))
    latents = np.repeat(z, len(curves), axis=0)
    pairs = []
    for d in range(len(DESCRIPTORS)):
        asked = np.full((*curves.shape, len(DESCRIPTORS)), NEUTRAL, dtype=np.float32)
        mask = np.zeros_like(asked)
        asked[..., RMS] = HELD_RMS
        asked[..., d] = curves
        mask[..., [RMS, d]] = 1.0
        heard = codec.measure(codec.decode(latents, asked, mask, 0))[1]
        pairs.append((curves, heard[..., d]))
    return _curves(codec, pairs, list(shapes))


def _curves(codec: Codec, pairs: Sequence[Tuple[Floats, Floats]], labels: List[str]) -> Figure:
    """One row per descriptor: asked and heard curves [pieces, F], the pieces side by side."""
    figure = Figure(figsize=(13, 9))
    figure.subplots_adjust(0.06, 0.05, 0.99, 0.95, 0.0, 0.12)
    rows = figure.subplots(len(DESCRIPTORS), 1, sharex=True)
    for name, axes, (asked, heard) in zip(DESCRIPTORS, rows, pairs):
        # A gap between the pieces, so that no line joins them.
        gap = ((0, 0), (0, 2))
        a, h = (np.pad(c, gap, constant_values=np.nan).ravel() for c in (asked, heard))
        time = np.arange(len(a)) * codec.hop / codec.sample_rate
        axes.plot(time, a, color="black", linewidth=1.0, label="asked")
        axes.plot(time, h, color="tab:red", linewidth=1.0, label="heard")
        axes.set_ylim(-0.1, 1.1)
        axes.set_ylabel(name)
    piece = time[-1] / len(labels)
    for i, label in enumerate(labels):
        rows[0].text((i + 0.5) * piece, 1.15, label, horizontalalignment="center")
    rows[0].legend(loc="lower right", fontsize="small")
    rows[-1].set_xlabel("s")
    return figure


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
        '<img src="eurorack.png" alt="invented curves, asked and heard">'
        if "eurorack" in result["control"]
        else "<p>Left out: measured with <code>--quick</code>, which asks for no Eurorack curves. "
        "Without it they are here, as a table and as a picture.</p>",
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
