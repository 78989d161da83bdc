"""Reading one recording block by block: one channel, one rate, pieces of bounded length."""

from pathlib import Path
from typing import Callable, Iterator, List, NamedTuple, Optional

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Floats = npt.NDArray[np.float32]

BLOCK_SECONDS = 1.0
LONG_SECONDS = 60.0
PIECE_SECONDS = 30.0
SEARCH_SECONDS = 10.0
QUIET_WINDOW_SECONDS = 0.02
CUT_FADE_SECONDS = 0.005
SILENCE_PEAK = 10.0 ** (-90.0 / 20.0)
# The mean of two channels that lost 10 dB against the louder one has nearly cancelled.
CANCELLED = 0.1
# So large a share of samples at the peak of a loud recording was cut off there.
CLIPPED_LEVEL, CLIPPED_SHARE = 0.98, 0.002


# Called with the share of a recording that was read since the last call.
Tick = Callable[[float], None]


def _nobody(share: float) -> None:
    """Nobody waits."""


class Refused(Exception):
    """A recording that cannot be used; the message is the reason, without the file's name."""


class Probe(NamedTuple):
    """What a first look at a recording found; `channel` is None where the mean is taken.

    `clipped` is the share of samples that stand at full scale, in the channel that has most.
    """

    rate: int
    frames: int
    channel: Optional[int]
    gain: float
    peak: float
    blocks: Optional[List[Floats]]
    clipped: float = 0.0

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return self.frames / self.rate


def _blocks(path: Path, tick: Tick) -> Iterator[Floats]:
    """Blocks [n, channels] of about a second; `tick` hears each one's share of the recording."""
    with soundfile.SoundFile(str(path)) as stream:
        length = max(1, int(stream.samplerate * BLOCK_SECONDS))
        while True:
            block = stream.read(length, dtype="float32", always_2d=True)
            if len(block) == 0:
                return
            yield block
            tick(len(block) / max(1, stream.frames))


def probe(path: Path, tick: Tick = _nobody) -> Probe:
    """Read a recording once: its peak, its faults and how its channels become one.

    Raises Refused. Recordings up to LONG_SECONDS are kept in the answer, so that they are decoded
    once only; longer ones are never held.
    """
    try:
        return _probe(path, tick)
    except soundfile.LibsndfileError as error:
        reason = str(error.error_string).strip().rstrip(".")
        raise Refused(f"soundfile cannot read it ({reason})") from error
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise Refused(f"it cannot be opened ({error.strerror})") from error


def _probe(path: Path, tick: Tick) -> Probe:
    if path.stat().st_size == 0:
        raise Refused("the file is empty")
    with open(path, "rb"):
        # A denied permission is told here as such; soundfile calls it a system error.
        pass
    with soundfile.SoundFile(str(path)) as stream:
        rate, channels, promised = stream.samplerate, stream.channels, stream.frames
    if promised == 0:
        raise Refused("it holds no samples (0 seconds)")
    kept: Optional[List[Floats]] = [] if promised <= LONG_SECONDS * rate else None
    energy = np.zeros(channels)
    mean_energy, mean_peak, frames = 0.0, 0.0, 0
    peaks, full = np.zeros(channels), np.zeros(channels)
    for block in _blocks(path, tick):
        if not np.isfinite(block).all():
            at = (frames + int(np.argmin(np.isfinite(block).all(axis=1)))) / rate
            raise Refused(f"it holds NaN or infinite samples (first at {at:.3f} s)")
        mean = block.mean(axis=1)
        energy += np.square(block, dtype=np.float64).sum(axis=0)
        mean_energy += float(np.square(mean, dtype=np.float64).sum())
        loud = np.abs(block)
        peaks = np.maximum(peaks, loud.max(axis=0))
        full += (loud >= CLIPPED_LEVEL * max(1.0, float(peaks.max()))).sum(axis=0)
        mean_peak = max(mean_peak, float(np.abs(mean).max()))
        frames += len(block)
        if kept is not None:
            kept.append(block)
    if frames < 0.99 * promised:
        raise Refused(f"it is cut short: {frames} of {promised} samples are there")
    loudest = int(np.argmax(energy))
    cancelled = channels > 1 and mean_energy < CANCELLED * float(energy[loudest])
    peak = float(peaks[loudest]) if cancelled else mean_peak
    if peak < SILENCE_PEAK:
        raise Refused("it is silent (peak under -90 dBFS)")
    channel = loudest if cancelled else None
    clipped = float(full.max()) / max(1, frames)
    return Probe(rate, frames, channel, 1.0 / max(1.0, peak), peak, kept, clipped)


def mono_blocks(
    path: Path, found: Probe, sample_rate: int, tick: Tick = _nobody
) -> Iterator[Floats]:
    """One channel at the wanted rate, block by block; the level is lowered where it exceeded 1."""
    resampler = None
    if found.rate != sample_rate:
        resampler = soxr.ResampleStream(found.rate, sample_rate, 1, dtype="float32", quality="VHQ")
    for block in _blocks(path, tick) if found.blocks is None else found.blocks:
        mono = block.mean(axis=1) if found.channel is None else block[:, found.channel]
        mono = np.ascontiguousarray(mono * np.float32(found.gain), dtype=np.float32)
        yield mono if resampler is None else resampler.resample_chunk(mono)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def pieces(path: Path, found: Probe, sample_rate: int, tick: Tick = _nobody) -> Iterator[Floats]:
    """The recording whole, or from LONG_SECONDS on in pieces of at most PIECE_SECONDS.

    A cut lies in the quietest 20 ms of the last third of a piece; both sides are faded over 5 ms.
    """
    stream = mono_blocks(path, found, sample_rate, tick)
    if found.seconds <= LONG_SECONDS:
        yield np.concatenate(list(stream))
        return
    limit = int(PIECE_SECONDS * sample_rate)
    search = int((PIECE_SECONDS - SEARCH_SECONDS) * sample_rate)
    fade = np.linspace(0.0, 1.0, int(CUT_FADE_SECONDS * sample_rate), dtype=np.float32)
    held: List[Floats] = []
    count, first = 0, True
    for block in stream:
        held.append(block)
        count += len(block)
        while count > limit:
            audio = np.concatenate(held)
            cut = search + quietest(audio[search:limit], int(QUIET_WINDOW_SECONDS * sample_rate))
            yield _faded(audio[:cut], fade, start=not first, end=True)
            held, count, first = [audio[cut:]], len(audio) - cut, False
    yield _faded(np.concatenate(held), fade, start=not first, end=False)


def quietest(audio: Floats, window: int) -> int:
    """Middle of the window with the least energy (the first of equals)."""
    if len(audio) <= window:
        return len(audio) // 2
    power = np.concatenate(([0.0], np.cumsum(np.square(audio, dtype=np.float64))))
    # Rounding in the running sum must not decide between windows of digital silence.
    sums = np.round(power[window:] - power[:-window], 12)
    return int(np.argmin(sums)) + window // 2


def _faded(audio: Floats, fade: Floats, start: bool, end: bool) -> Floats:
    """A copy with the cut ends faded."""
    out = audio.copy()
    n = min(len(fade), len(out))
    if start and n:
        out[:n] *= fade[:n]
    if end and n:
        out[-n:] *= fade[:n][::-1]
    return out


def to_int16(audio: Floats) -> npt.NDArray[np.int16]:
    """Samples of -1..1 scaled by 32767 and rounded, no dither; a resampler's overshoot is clipped."""
    scaled: npt.NDArray[np.int16] = np.rint(np.clip(audio, -1.0, 1.0) * 32767.0).astype(np.int16)
    return scaled
