"""The newest state of the module, ready to send: every page takes from here what it has not seen yet."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union

import numpy as np

from neurorave_device.clock import Clock
from neurorave_device.parameters import PARAMETERS
from neurorave_device.sound_process.governor import FACE

from ..face import Face
from ..led import brightness
from ..link import SOURCES, FaceLink, sounding
from ..memory import Memory
from ..words import word
from .protocol import audio_frame, picture_frame, text_frame

TELEMETRY_SECONDS = 0.05
EASED_TELEMETRY_SECONDS = 0.2
_SLOW_SECONDS = 0.25
# What the memory says is shown for so long after a page could first have seen it.
_SAID_SECONDS = 12.0
# A page that fell behind by more than this gets the newest sound instead of all of it.
_AUDIO_BACKLOG_SECONDS = 0.3
_AUDIO_KEEP_SECONDS = 0.1

Payload = Union[str, bytes]


class Item(NamedTuple):
    """A payload and the number of times that its kind has changed."""

    version: int
    payload: Payload


class Hub:
    """Polls the link and keeps one newest item per kind. One thread; no method waits."""

    def __init__(
        self, link: FaceLink, face: Face, clock: Clock, memory: Optional[Memory] = None
    ) -> None:
        self._link = link
        self._face = face
        self._clock = clock
        self._memory = memory
        self._picture = b""
        self._said = 0
        self._said_ends = float("-inf")
        self._items: Dict[str, Item] = {}
        self._telemetry_due = self._slow_due = float("-inf")
        self.sample_rate = int(link.info()["sample_rate"])

    def tick(self) -> None:
        """Take what is new; call it some 40 times a second while a page is open."""
        now = self._clock.now()
        self._face.refresh(now)
        # Asked for, not waited for: a screen that shares the face may have had it drawn already.
        picture = self._face.picture
        if picture is not self._picture:
            self._picture = picture
            version = self._items["picture"].version + 1 if "picture" in self._items else 1
            self._put("picture", picture_frame(version, picture))
        if now >= self._slow_due:
            self._slow_due = now + _SLOW_SECONDS
            self._put_changed("hello", self._hello())
            self._put_changed("jacks", text_frame("jacks", **self._link.jacks()))
            if self._memory is not None:
                self._put_changed("presets", self._presets(self._memory, now))
        if now >= self._telemetry_due:
            self._put_changed("values", self._values())
            # Counted on from the last one due, so that the ticks' grid does not slow the rate down.
            eased = self._link.telemetry().eased >= FACE
            period = EASED_TELEMETRY_SECONDS if eased else TELEMETRY_SECONDS
            self._telemetry_due = max(self._telemetry_due, now - period) + period
            self._put("telemetry", self._telemetry(now))

    def changed(self) -> None:
        """Say that a page has just changed something, so that the others hear of it at the next tick."""
        self._slow_due = float("-inf")

    def news(self, seen: Dict[str, int]) -> List[Payload]:
        """Return the items that ``seen`` (kind -> version) lacks, and mark them as seen there."""
        found: List[Payload] = []
        # The greeting goes first: a page needs the table before the values.
        for kind in ("hello", "values", "jacks", "presets", "telemetry", "picture"):
            item = self._items.get(kind)
            if item is not None and seen.get(kind) != item.version:
                seen[kind] = item.version
                found.append(item.payload)
        return found

    def _put(self, kind: str, payload: Payload) -> None:
        old = self._items.get(kind)
        self._items[kind] = Item(1 if old is None else old.version + 1, payload)

    def _put_changed(self, kind: str, payload: Payload) -> None:
        old = self._items.get(kind)
        if old is None or old.payload != payload:
            self._put(kind, payload)

    def _hello(self) -> str:
        about = self._link.info()
        self.sample_rate = int(about["sample_rate"])
        names = [descriptor["name"] for descriptor in about["descriptors"]]
        destinations: List[str] = []
        for row in PARAMETERS:
            if row.id.endswith(".destination"):
                destinations.extend(row.choices)
        return text_frame(
            "hello",
            info=about,
            bundles=self._link.bundles(),
            parameters=[row._asdict() for row in PARAMETERS],
            sources=SOURCES,
            words={name: word(name, about["pitched"]).full for name in names + destinations},
        )

    def _presets(self, memory: Memory, now: float) -> str:
        count, sentence = memory.said()
        if count != self._said:
            self._said = count
            self._said_ends = now + _SAID_SECONDS
        said = sentence if now < self._said_ends else ""
        return text_frame("presets", names=memory.presets(), count=count, said=said)

    def _values(self) -> str:
        return text_frame("values", values={row.id: self._link.get(row.id) for row in PARAMETERS})

    def _telemetry(self, now: float) -> str:
        fields: Dict[str, Any] = dict(self._link.telemetry()._asdict())
        light = self._face.light(now)
        fields["sounding"] = sounding(self._link)
        fields["light"] = {
            "word": light.word,
            "colour": light.colour,
            "brightness": brightness(light, now),
        }
        return text_frame("telemetry", **fields)


class AudioTap:
    """One page's place in the sound, which starts at "now"."""

    def __init__(self, read: Callable[[int], Any]) -> None:
        self._read = read
        self._position = -1
        self._sequence = 0

    def frames(self, sample_rate: int) -> List[bytes]:
        """Return what was played since the last call, at most 0.3 s of it; after more, only the newest."""
        self._position, samples = self._read(self._position)
        if len(samples) > _AUDIO_BACKLOG_SECONDS * sample_rate:
            samples = samples[-int(_AUDIO_KEEP_SECONDS * sample_rate) :]
        if not len(samples):
            return []
        self._sequence += 1
        start = self._position - len(samples)
        return [audio_frame(self._sequence, start, np.asarray(samples))]
