"""Sound through a sound card, by PortAudio; it survives that the card is unplugged and plugged in again."""

import threading
from typing import Any, Optional

from neurorave_device.audio.base import AudioOut, AudioStats, Pull
from neurorave_device.audio.card_stream import CardStream
from neurorave_device.audio.cards import choose, import_backend, look_again, playable_rate
from neurorave_device.audio.null import NullOut
from neurorave_device.audio.resample import ResampledPull
from neurorave_device.clock import Clock, SystemClock
from neurorave_device.errors import UserError
from neurorave_device.processes.realtime import BACKGROUND_PRIORITY, Worker

# How often the watching thread looks at the stream, and how often it tries to open a card that is gone.
WATCH_SECONDS = 0.1
RETRY_SECONDS = 1.0
# A card that takes nothing for so long is gone, whatever it says; some take 2 s to begin.
STALL_SECONDS = 4.0
# Samples per block where PortAudio chooses and none is there to do so.
PACE = 128


class SoundCardOut(AudioOut):
    """Plays mono blocks on both channels of a sound card.

    `device` is a part of the card's name, None the system's default; `block` 0 lets PortAudio choose;
    `latency_ms` is what is asked of the card, None its own low latency.  `pull` is called from PortAudio's callback
    thread: it must not wait.  A card without the wanted rate gets the sound resampled.

    When the card is gone, blocks are pulled by `clock` and thrown away, so that the stream's time goes on, until a
    card is there again.  `notice` says so.  `backend` stands in for the sounddevice module in tests.
    """

    def __init__(
        self,
        sample_rate: int,
        block: int,
        device: Optional[str] = None,
        latency_ms: Optional[float] = None,
        backend: Any = None,
        clock: Optional[Clock] = None,
    ) -> None:
        self._rate = sample_rate
        self._block = block
        self._device = device
        self._latency = "low" if latency_ms is None else latency_ms * 1e-3
        self._backend = backend
        self._clock = clock or SystemClock()
        self._pull: Optional[Pull] = None
        self._stream: Optional[CardStream] = None
        self._threads = True
        self._watcher: Optional[Worker] = None
        self._stopping = threading.Event()
        # The card that was there at first.
        self._first: Optional[str] = None
        self._notice: Optional[str] = None
        self._fault: Optional[str] = None
        # The counts of streams that have ended.
        self._underruns = self._blocks = 0
        self._seen = -1
        self._seen_at = self._retry_at = 0.0
        self.stand_in: Optional[NullOut] = None

    @property
    def fault(self) -> Optional[str]:
        """One sentence for the player where something went wrong since `start`, otherwise None."""
        for source in (self._stream, self.stand_in):
            if source is not None and source.fault is not None:
                self._fault = source.fault
        watcher = self._watcher
        if watcher is not None and watcher.error is not None:
            self._fault = "the sound card is not watched any more: {!r}".format(watcher.error)
        return self._fault

    @property
    def notice(self) -> Optional[str]:
        """One sentence for the face: the card is gone, or does not play at the rate; otherwise None."""
        return self._notice

    @property
    def latency(self) -> float:
        """Seconds from a pull to the card's output, as PortAudio says; 0 while no card is there.  Any thread."""
        stream = self._stream
        return 0.0 if stream is None else stream.latency

    def start(self, pull: Pull) -> None:
        """Opens the card and begins to pull; raises UserError where there is none or it refuses."""
        self.open(pull, threads=True)
        self._watcher = Worker("sound card", BACKGROUND_PRIORITY, self._run)
        self._watcher.start()

    def open(self, pull: Pull, threads: bool = False) -> None:
        """Does what `start` does but for the threads: `watch` and `stand_in.step` are then called by hand."""
        if self._backend is None:
            self._backend = import_backend()
        self._pull = pull
        self._threads = threads
        self._stopping.clear()
        self._underruns = self._blocks = 0
        self._notice = self._fault = self._first = None
        index = choose(self._backend, self._device)
        stream = self._make(index)
        stream.start()
        self._first = stream.name
        self._use(stream)

    def stop(self) -> None:
        """Lets the card play out what it has, then closes it; nothing happens where it is stopped already."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        if self._stream is not None:
            self._stream.finish()
            self._count_up()
        if self.stand_in is not None:
            self.stand_in.stop()
            self.stand_in = None

    def stats(self) -> AudioStats:
        """Returns the counts since `start`; `underruns` are those that PortAudio reported."""
        stream = self._stream
        if stream is None:
            return AudioStats(self._underruns, 0, self._blocks)
        return AudioStats(self._underruns + stream.underruns, 0, self._blocks + stream.blocks)

    def watch(self) -> None:
        """Looks once whether the card still plays, or whether one is there again.  Watching thread."""
        now = self._clock.now()
        if self._stream is None:
            if now >= self._retry_at:
                self._find()
            return
        if self._stream.blocks != self._seen:
            self._seen, self._seen_at = self._stream.blocks, now
        if not self._stream.running or now - self._seen_at > STALL_SECONDS:
            self._lose()

    def _run(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            self.watch()

    def _make(self, index: int) -> CardStream:
        assert self._pull is not None
        rate = playable_rate(self._backend, index, self._rate)
        pull = self._pull
        if rate != self._rate:
            pull = ResampledPull(pull, self._rate, rate, self._block or PACE)
        return CardStream(self._backend, index, rate, self._block, self._latency, pull)

    def _use(self, stream: CardStream) -> None:
        self._seen, self._seen_at = -1, self._clock.now()
        self._stream = stream
        says = []
        if stream.name != self._first:
            says.append("The sound card {!r} is gone, {!r} plays.".format(self._first, stream.name))
        if stream.rate != self._rate:
            says.append(
                "The sound card {!r} does not play at {} Hz: the sound is resampled to {} Hz.".format(
                    stream.name, self._rate, stream.rate
                )
            )
        self._notice = " ".join(says) or None

    def _lose(self) -> None:
        assert self._stream is not None
        self._notice = (
            "The sound card {!r} is gone; the sound returns when it is there again.".format(
                self._stream.name
            )
        )
        self._stream.close()
        self._count_up()
        self._retry_at = self._clock.now() + RETRY_SECONDS
        self._stand()

    def _find(self) -> None:
        self._retry_at = self._clock.now() + RETRY_SECONDS
        try:
            look_again(self._backend)
            stream = self._make(choose(self._backend, self._device, self._first))
        except (UserError, self._backend.PortAudioError):
            # Not there yet, or there and not ready.
            return
        assert self.stand_in is not None
        # Only one may pull at a time.
        self.stand_in.stop()
        self.stand_in = None
        try:
            stream.start()
        except UserError:
            self._stand()
            return
        self._use(stream)

    def _stand(self) -> None:
        """Lets the stream's time go on without a card."""
        assert self._pull is not None
        self.stand_in = NullOut(self._rate, self._block or PACE, self._clock)
        if self._threads:
            self.stand_in.start(self._pull)
        else:
            self.stand_in.open(self._pull)

    def _count_up(self) -> None:
        """Keeps what the stream that has ended had counted."""
        stream, self._stream = self._stream, None
        assert stream is not None
        self._fault = self._fault or stream.fault
        self._underruns += stream.underruns
        self._blocks += stream.blocks
