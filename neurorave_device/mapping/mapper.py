"""Volts and settings in, targets of one frame out."""

from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from neurorave_device.engine.info import BundleInfo
from neurorave_device.mapping.activity import JackActivity
from neurorave_device.mapping.combine import fade_in, silence_fade
from neurorave_device.mapping.curves import (
    HIGHEST_Q,
    LOWEST_Q,
    normalise,
    pull,
    sweep,
)
from neurorave_device.mapping.smoothing import OnePole, Ramp
from neurorave_device.mapping.targets import Targets
from neurorave_device.parameters import CV_COUNT, PARAMETERS, by_id, default_values

LOUDNESS = "rms"

# Which way the macro takes each descriptor: louder, brighter, less boomy.
_MACRO_DIRECTION = {
    "rms": 1.0,
    "centroid": 1.0,
    "bandwidth": 1.0,
    "sharpness": 1.0,
    "booming": -1.0,
}


class _Cv(NamedTuple):
    """The settings of one CV that do not glide; `target` is a descriptor's index or -1."""

    latent: bool
    target: int
    replaces: bool
    range_index: int
    slew: float
    shifted: bool


class _Asked:
    """What is asked of one descriptor while a frame is put together."""

    __slots__ = ("absolute", "delta", "mask", "moved", "value")

    def __init__(self) -> None:
        self.absolute = False
        self.value = 0.0
        self.delta = 0.0
        self.mask = False
        self.moved = False


class Mapper:
    """Makes the targets of each frame from calibrated volts, the macro gate and the settings.

    `values` maps parameter ids to values; what is missing has its default.  Time enters only as
    `dt`, so the same calls always give the same targets.  One thread at a time.
    """

    def __init__(self, values: Mapping[str, float], bundle: BundleInfo) -> None:
        self._names = [row.name for row in bundle.descriptors]
        self._loudness = self._names.index(LOUDNESS) if LOUDNESS in self._names else -1
        self._fade = (0.0, 0.25)
        if self._loudness >= 0:
            self._fade = silence_fade(bundle.descriptors[self._loudness])
        self._latent_knots = np.asarray(bundle.latent_quantiles[0], dtype=np.float64)
        self._latent_places = np.linspace(LOWEST_Q, HIGHEST_Q, len(self._latent_knots))
        self._activity = [JackActivity() for _ in range(CV_COUNT)]
        self._active = [False] * CV_COUNT
        self._smooth = [OnePole() for _ in range(CV_COUNT)]
        self._glides = {row.id: OnePole() for row in PARAMETERS if row.smoothing > 0.0}
        self._taus = {row.id: row.smoothing for row in PARAMETERS}
        self._ramp = Ramp()
        self._values: Dict[str, float] = {}
        self._cvs: List[_Cv] = []
        self._menu_asked: List[bool] = []
        self.update(values)

    @property
    def active(self) -> Tuple[bool, ...]:
        """Which of CV 1-4 counted as patched in the last frame."""
        return tuple(self._active)

    def update(self, values: Mapping[str, float]) -> None:
        """Take new settings; numbers glide to them within the next frames."""
        merged = default_values()
        merged.update((key, values[key]) for key in merged if key in values)
        self._values = {key: by_id(key).clamp(value) for key, value in merged.items()}
        self._cvs = [self._read_cv("cv{}.".format(n + 1)) for n in range(CV_COUNT)]
        self._menu_asked = [
            self._choice(name + ".mode") == "asked" if name + ".mode" in merged else False
            for name in self._names
        ]

    def trigger(self) -> None:
        """Let the next frame take the voltages and settings as they are, without smoothing."""
        for pole in self._smooth:
            pole.snap()
        for glide in self._glides.values():
            glide.snap()

    def frame(self, volts: Sequence[float], macro: bool, dt: float) -> Targets:
        """Return the targets of the frame that begins now, `dt` seconds after the last one.

        `volts` are the calibrated CV 1-4, `macro` says whether the macro gate is high.
        """
        asked = [_Asked() for _ in self._names]
        for row, name, wanted in zip(asked, self._names, self._menu_asked):
            if wanted:
                row.absolute, row.mask = True, True
                row.value = self._glide(name + ".value", dt)
        force, forced = False, 0.0
        for index, cv in enumerate(self._cvs):
            u, speaks = self._voltage(index, float(volts[index]), dt)
            if not speaks:
                continue
            if cv.latent:
                force, forced = True, self._latent(sweep(u, cv.range_index))
            elif cv.target >= 0:
                self._apply(asked[cv.target], cv, u)
        self._apply_macro(asked, macro, dt)
        if self._loudness >= 0:
            asked[self._loudness].mask = True
        return Targets(
            forced,
            force,
            tuple(self._settle(index, row) for index, row in enumerate(asked)),
            tuple(row.absolute for row in asked),
            tuple(row.mask for row in asked),
            tuple(row.moved for row in asked),
            self._loudness,
            self._fade,
        )

    def _voltage(self, index: int, volts: float, dt: float) -> Tuple[float, bool]:
        """Return offset + amount * curve(volts), and whether this CV has anything to say."""
        cv, prefix = self._cvs[index], "cv{}.".format(index + 1)
        active = self._activity[index].update(volts, dt)
        self._active[index] = active
        # An idle jack is exactly 0 V: noise is not played.
        part = normalise(volts if active else 0.0, cv.range_index)
        part = self._smooth[index].step(part, dt, cv.slew)
        amount = self._glide(prefix + "amount", dt)
        offset = self._glide(prefix + "offset", dt)
        return offset + amount * part, active or cv.shifted

    @staticmethod
    def _apply(row: _Asked, cv: _Cv, u: float) -> None:
        row.mask = row.moved = True
        if cv.replaces:
            row.absolute = True
            row.value = sweep(u, cv.range_index)
        else:
            row.delta += u

    def _apply_macro(self, asked: List[_Asked], macro: bool, dt: float) -> None:
        height = self._ramp.step(macro, dt, self._values["macro.time"])
        amount = self._glide("macro.amount", dt)
        if height <= 0.0 or amount == 0.0:
            return
        for row, name in zip(asked, self._names):
            row.mask = row.moved = True
            row.delta += amount * height * _MACRO_DIRECTION.get(name, 1.0)

    def _settle(self, index: int, row: _Asked) -> float:
        if not row.absolute:
            return row.delta
        delta = row.delta
        if index == self._loudness and delta > 0.0:
            delta *= fade_in(row.value, self._fade)
        return pull(row.value, delta)

    def _latent(self, place: float) -> float:
        q = LOWEST_Q + (HIGHEST_Q - LOWEST_Q) * place
        return float(np.interp(q, self._latent_places, self._latent_knots))

    def _glide(self, key: str, dt: float) -> float:
        return self._glides[key].step(self._values[key], dt, self._taus[key])

    def _choice(self, key: str) -> str:
        return by_id(key).format(self._values[key])

    def _read_cv(self, prefix: str) -> _Cv:
        destination = self._choice(prefix + "destination")
        return _Cv(
            destination == "latent_0",
            self._names.index(destination) if destination in self._names else -1,
            self._choice(prefix + "mode") == "replace",
            int(self._values[prefix + "range"]),
            self._values[prefix + "slew"],
            self._values[prefix + "offset"] != 0.0,
        )
