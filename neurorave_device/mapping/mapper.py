"""Volts and settings in, targets of one frame out."""

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from neurorave_device.engine.info import BundleInfo
from neurorave_device.mapping.combine import fade_in, silence_fade
from neurorave_device.mapping.curves import pull, sweep
from neurorave_device.mapping.cv import Cv
from neurorave_device.mapping.first_latent import FirstLatent, Pitch, Timbre
from neurorave_device.mapping.macro import Macro
from neurorave_device.mapping.morphing import Morphing
from neurorave_device.mapping.motion import Motion
from neurorave_device.mapping.smoothing import OnePole
from neurorave_device.mapping.targets import Targets
from neurorave_device.parameter import Parameter
from neurorave_device.parameters import (
    CV_COUNT,
    CV_SETTINGS,
    DESCRIPTOR_MODES,
    MOVED,
    PARAMETERS,
    by_id,
    default_values,
)
from neurorave_device.storage.morph import Morph

LOUDNESS = "rms"
LATENT = MOVED[0]
MORPH = by_id("morph")

_TEMPERATURE, _VARY, _LEVEL = by_id("temperature"), by_id("vary"), by_id("level")
_ASKED = DESCRIPTOR_MODES.index("asked")
_VALUE_SECONDS = by_id(LOUDNESS + ".value").smoothing
_DEPTH_SECONDS = by_id("motion." + LOUDNESS + ".depth").smoothing
# The keys of each motion's settings, in the order of MOVED.
_MOTION_KEYS = tuple(
    ("motion." + name + ".shape", "motion." + name + ".rate", "motion." + name + ".depth")
    for name in MOVED
)

State = Tuple[Any, ...]


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
        axis = Pitch if bundle.pitched else Timbre
        self._first: FirstLatent = axis(bundle.latent_quantiles[0])
        self._pitched = bundle.pitched
        # A sequencer may stay on its 0 V for long: once notes have come they are notes.
        self._notes_come = False
        self._place_of = {name: index for index, name in enumerate(self._names) if name in MOVED}
        self._cvs = [Cv(number + 1) for number in range(CV_COUNT)]
        self._macro = Macro(self._names)
        self._motions = [Motion(number) for number in range(len(MOVED))]
        self._menu = [OnePole() for _ in self._names]
        self._morph_glide = OnePole()
        self._morphing: Optional[Morphing] = None
        self._position = -1.0
        self._values: Dict[str, float] = {}
        # By index of the descriptor: what the menu asks of it, None where it asks nothing.
        self._menu_asks: List[Optional[float]] = []
        self._moving: List[int] = []
        self._leading: List[int] = []
        self._following: List[int] = []
        self.revision = 0
        self.update(values)

    @property
    def active(self) -> Tuple[bool, ...]:
        """Which of CV 1-4 counted as patched in the last frame."""
        return tuple(cv.active for cv in self._cvs)

    @property
    def values(self) -> Mapping[str, float]:
        """The settings that play, a morph included; `revision` counts how often they have changed."""
        return self._values

    def update(self, values: Mapping[str, float], morph: Optional[Morph] = None) -> None:
        """Take new settings; numbers glide to them within the next frames.

        With a `morph` what it moves plays in their place, at the position that the menu and CVs give.
        """
        found = default_values()
        for row in PARAMETERS:
            if row.id in values:
                found[row.id] = row.clamp(values[row.id])
        self._values = found
        self._read()
        self._leading = [n for n, cv in enumerate(self._cvs) if cv.destination == MORPH.id]
        self._following = [n for n in range(CV_COUNT) if n not in self._leading]
        if self._position < 0.0:
            self._position = found[MORPH.id]
        last, self._morphing = self._morphing, None
        if morph is not None:
            self._morphing = Morphing(morph, found)
            if last is not None:
                self._morphing.restore(last.snapshot())
            self._follow_morph()

    def trigger(self) -> None:
        """Let the next frame take the voltages and settings as they are, without smoothing."""
        for cv in self._cvs:
            cv.snap()
        for glide in self._menu:
            glide.snap()
        for motion in self._motions:
            motion.snap()
        self._macro.snap()
        self._morph_glide.snap()

    def start_again(self) -> None:
        """Let the motions begin at their beginning."""
        for motion in self._motions:
            motion.start_again()

    def frame(self, volts: Sequence[float], macro: bool, dt: float) -> Targets:
        """Return the targets of the frame that begins now, `dt` seconds after the last one.

        `volts` are the calibrated CV 1-4, `macro` says whether the macro gate is high.
        """
        position = self._find_position(volts, dt)
        count = len(self._names)
        absolute, mask, moved = [False] * count, [False] * count, [False] * count
        value, delta = [0.0] * count, [0.0] * count
        for index, asks in enumerate(self._menu_asks):
            if asks is not None:
                absolute[index] = mask[index] = True
                value[index] = self._menu[index].step(asks, dt, _VALUE_SECONDS)
        place: Optional[float] = None
        cabled: List[str] = []
        added: Dict[str, float] = {}
        for number in self._following:
            cv = self._cvs[number]
            u = cv.read(float(volts[number]), dt)
            destination = cv.destination
            if destination == LATENT and self._pitched:
                self._notes_come = self._notes_come or cv.active
            if not cv.speaks and not (destination == LATENT and self._notes_come):
                continue
            if cv.active:
                cabled.append(destination)
            index = self._place_of.get(destination, -1)
            if index >= 0:
                mask[index] = moved[index] = True
                if cv.replaces:
                    absolute[index] = True
                    value[index] = sweep(u, cv.range_index)
                else:
                    delta[index] += u
            elif destination == LATENT:
                place = self._first.from_cv(u, cv.range_index)
            elif destination in CV_SETTINGS:
                added[destination] = added.get(destination, 0.0) + u
        for number in self._moving:
            # It goes on under a cable, so that it is where it would have been when that is pulled out.
            height = self._motions[number].step(dt, _DEPTH_SECONDS)
            name = MOVED[number]
            if name in cabled:
                continue
            index = self._place_of.get(name, -1)
            if index >= 0:
                mask[index] = moved[index] = True
                delta[index] += height
            elif name == LATENT:
                place = self._first.moved(place, height)
        pulled = self._macro.frame(macro, added.get("macro", 0.0), "macro" in added, dt)
        if pulled is not None:
            for index, speaks in enumerate(pulled.speaks):
                if speaks:
                    mask[index] = moved[index] = True
                    delta[index] += pulled.deltas[index]
        for index in range(count):
            if absolute[index]:
                delta[index] = self._drawn(index, value[index], delta[index])
        if self._loudness >= 0:
            mask[self._loudness] = True
        return Targets(
            0.0 if place is None else self._first.latent(place),
            place is not None,
            tuple(delta),
            tuple(absolute),
            tuple(mask),
            tuple(moved),
            self._loudness,
            self._fade,
            self._moved_setting(_TEMPERATURE, added),
            self._moved_setting(_VARY, added),
            self._moved_setting(_LEVEL, added),
            self._macro.height,
            position,
        )

    def snapshot(self) -> State:
        """Return the state between two frames; settings are no part of it."""
        return (
            [cv.snapshot() for cv in self._cvs],
            [self._motions[number].snapshot() for number in self._moving],
            self._macro.snapshot(),
            [glide.snapshot() for glide in self._menu],
            self._morph_glide.snapshot(),
            None if self._morphing is None else self._morphing.snapshot(),
            self._moving,
            self._notes_come,
        )

    def restore(self, state: State) -> None:
        """Go back to a state taken by `snapshot`; the settings stay what they are."""
        for cv, kept in zip(self._cvs, state[0]):
            cv.restore(kept)
        for number, kept in zip(state[6], state[1]):
            self._motions[number].restore(kept)
        self._macro.restore(state[2])
        for glide, kept in zip(self._menu, state[3]):
            glide.restore(kept)
        self._morph_glide.restore(state[4])
        self._notes_come = state[7]
        if self._morphing is not None and state[5] is not None:
            self._morphing.restore(state[5])

    def follow(self, other: "Mapper") -> None:
        """Go on where the mapper of another model is: cables, motions, macro and morph."""
        for cv, theirs in zip(self._cvs, other._cvs):
            cv.restore(theirs.snapshot())
        for motion, moving in zip(self._motions, other._motions):
            motion.restore(moving.snapshot())
        self._macro.follow(other._macro)
        self._notes_come = self._pitched and other._notes_come
        self._morph_glide.restore(other._morph_glide.snapshot())

    def _find_position(self, volts: Sequence[float], dt: float) -> float:
        """Return where the morph is, and let what it moves play; the CVs that move it are read before all others."""
        position = self._morph_glide.step(self._values[MORPH.id], dt, MORPH.smoothing)
        for number in self._leading:
            cv = self._cvs[number]
            u = cv.read(float(volts[number]), dt)
            if cv.speaks:
                position += u
        self._position = position = min(max(position, 0.0), 1.0)
        if self._morphing is not None:
            self._follow_morph()
        return position

    def _follow_morph(self) -> None:
        assert self._morphing is not None
        changes = self._morphing.at(self._position)
        if changes:
            self._values.update(changes)
            self._read()

    def _drawn(self, index: int, value: float, delta: float) -> float:
        """Return what is asked of a descriptor that is held at `value` and drawn from there."""
        if index == self._loudness and delta > 0.0:
            delta *= fade_in(value, self._fade)
        return pull(value, delta)

    def _moved_setting(self, row: Parameter, added: Mapping[str, float]) -> float:
        """Return a setting with what CVs add: a whole range of volts is the whole range of the setting."""
        value = self._values[row.id]
        if row.id not in added:
            return value
        return row.clamp(value + added[row.id] * (row.high - row.low))

    def _read(self) -> None:
        """Take what plays into all parts."""
        values = self._values
        self.revision += 1
        for cv in self._cvs:
            cv.update(values)
        self._macro.update(values)
        seed = int(values["seed"])
        for motion, (shape, rate, depth) in zip(self._motions, _MOTION_KEYS):
            motion.update(int(values[shape]), values[rate], values[depth], seed)
        self._moving = [number for number, motion in enumerate(self._motions) if motion.on]
        self._menu_asks = [
            values[name + ".value"] if values.get(name + ".mode") == _ASKED else None
            for name in self._names
        ]
