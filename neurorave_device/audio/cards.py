"""The sound cards that PortAudio finds: which one is meant, and at which rates it plays."""

import weakref
from typing import Any, List, NamedTuple, Optional, Set

from neurorave_device.errors import UserError

CHANNELS = 2
ELSEWHERE = "--audio browser plays in the browser, --audio file writes a file"
# What cards play where their own favourite is no help, the commonest first.
COMMON_RATES = (48000, 44100, 96000, 32000)


def import_backend() -> Any:
    """Returns the sounddevice module; raises UserError where PortAudio is missing."""
    try:
        import sounddevice
    except OSError:
        raise UserError(
            "audio: soundcard needs the library PortAudio, which is missing (Debian: libportaudio2); "
            + ELSEWHERE
        ) from None
    return sounddevice


class Card(NamedTuple):
    """A sound card that can play: its name, its own sample rate, and whether it is the system's default."""

    name: str
    rate: int
    default: bool


def playing_cards(backend: Any = None) -> List[Card]:
    """Returns the sound cards that can play; raises UserError where PortAudio is missing."""
    backend = backend or import_backend()
    default = backend.default.device[1]
    return [
        Card(str(row["name"]), round(row["default_samplerate"]), number == default)
        for number, row in enumerate(backend.query_devices())
        if row["max_output_channels"] >= CHANNELS
    ]


# The streams that are open, by the module that has opened them: outputs, and inputs that are jacks.
_OPEN: "weakref.WeakKeyDictionary[Any, Set[object]]" = weakref.WeakKeyDictionary()


def opened(backend: Any, stream: object) -> None:
    """Tells that a stream is open."""
    _OPEN.setdefault(backend, set()).add(stream)


def closed(backend: Any, stream: object) -> None:
    """Tells that a stream is closed, or never was open."""
    _OPEN.setdefault(backend, set()).discard(stream)


def look_again(backend: Any) -> None:
    """Lets PortAudio see cards that came or went; nothing happens while a stream is open.

    PortAudio looks for cards once, when it starts, so it is ended and started.
    """
    if _OPEN.get(backend):
        return
    backend._terminate()
    backend._initialize()


def choose(backend: Any, wanted: Optional[str], before: Optional[str] = None) -> int:
    """Returns the index of the card to play on; raises UserError and names what there is.

    `wanted` is a part of its name, None the default; of several the one with the name `before` is taken.
    """
    rows = list(backend.query_devices())
    playing = [n for n, row in enumerate(rows) if row["max_output_channels"] >= CHANNELS]
    if not playing:
        raise UserError("audio: soundcard finds no sound card; " + ELSEWHERE)
    matching = [n for n in playing if wanted is None or wanted.lower() in rows[n]["name"].lower()]
    if not matching:
        raise UserError(
            "device: there is no sound card {!r}, there are {}".format(
                wanted, ", ".join(rows[n]["name"] for n in playing)
            )
        )
    same = [n for n in matching if rows[n]["name"] == before]
    if same:
        return same[0]
    if wanted is None and backend.default.device[1] in playing:
        return int(backend.default.device[1])
    return matching[0]


def name_of(backend: Any, index: int) -> str:
    """Returns the name of a card."""
    return str(backend.query_devices()[index]["name"])


def playable_rate(backend: Any, index: int, wanted: int) -> int:
    """Returns `wanted` where the card plays at that rate, otherwise one at which it does.

    Where it plays at none of the usual ones, `wanted` again: opening it says why.
    """
    own = round(backend.query_devices()[index]["default_samplerate"])
    for rate in (wanted, own) + COMMON_RATES:
        try:
            backend.check_output_settings(
                device=index, channels=CHANNELS, dtype="float32", samplerate=rate
            )
        except (backend.PortAudioError, ValueError):
            continue
        return int(rate)
    return wanted
