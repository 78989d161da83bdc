"""What a page may ask for: each message is checked field by field before anything is done."""

import json
import math
from typing import Any, Callable, Dict, Optional, Set, Union

from neurorave_device.errors import UserError
from neurorave_device.parameters import by_id

from ..face import Face
from ..link import CV_COUNT, GATE_COUNT, SOURCES, FaceLink
from ..memory import Memory

_MOST_STEPS = 100
_LONGEST_ID = 64
_LONGEST_NAME = 255
# What a virtual jack has of numbers; the last three are the errors of its electronics.
_JACK_NUMBERS = (
    ("volts", -10.0, 10.0),
    ("rate", 0.01, 50.0),
    ("depth", 0.0, 10.0),
    ("gain", 0.5, 1.5),
    ("offset", -2.0, 2.0),
    ("noise", 0.0, 1.0),
)


class Session:
    """What one page holds down, so that it can be let go when the page disappears."""

    def __init__(self) -> None:
        self.gates: Set[int] = set()
        self.encoder = False


class Actions:
    """Carries out the messages of all pages on one link and one face; one thread.

    Without a memory there are no presets.
    """

    def __init__(self, link: FaceLink, face: Face, memory: Optional[Memory] = None) -> None:
        self._link = link
        self._memory = memory
        self._face = face
        self._table: Dict[str, Callable[[Dict[str, Any], Session, float], None]] = {
            "turn": self._turn,
            "arrow": self._arrow,
            "press": self._press,
            "release": self._release,
            "set": self._set,
            "jack": self._jack,
            "gate": self._gate,
            "clock": self._clock,
            "bundle": self._bundle,
        }
        if memory is not None:
            self._table["preset"] = self._preset

    def apply(self, text: str, session: Session, now: float) -> None:
        """Do what a message says; UserError, in one sentence, where it is not a message or not allowed."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise UserError("the message is not JSON, allowed is one JSON object") from None
        if not isinstance(message, dict):
            raise UserError("the message is not an object, allowed is one JSON object")
        name = message.pop("do", None)
        act = self._table.get(name) if isinstance(name, str) else None
        if act is None:
            raise UserError(
                "do is %s, allowed is one of %s" % (_quoted(name), ", ".join(sorted(self._table)))
            )
        act(message, session, now)

    def let_go(self, session: Session) -> None:
        """Release everything that a page held down when it went away."""
        for gate in sorted(session.gates):
            self._link.set_gate(gate, False)
        session.gates.clear()
        if session.encoder:
            self._face.cancel()
            session.encoder = False

    def _turn(self, message: Dict[str, Any], session: Session, now: float) -> None:
        steps = _integer(message, "steps", -_MOST_STEPS, _MOST_STEPS)
        fine = _boolean(message, "fine") if "fine" in message else False
        _nothing_else(message, "turn", "steps, fine")
        self._face.turn(steps, now, fine)

    def _arrow(self, message: Dict[str, Any], session: Session, now: float) -> None:
        steps = _integer(message, "steps", -_MOST_STEPS, _MOST_STEPS)
        fine = _boolean(message, "fine") if "fine" in message else False
        _nothing_else(message, "arrow", "steps, fine")
        self._face.arrow(steps, now, fine)

    def _press(self, message: Dict[str, Any], session: Session, now: float) -> None:
        _nothing_else(message, "press", "nothing more")
        session.encoder = True
        self._face.press(now)

    def _release(self, message: Dict[str, Any], session: Session, now: float) -> None:
        _nothing_else(message, "release", "nothing more")
        session.encoder = False
        self._face.release(now)

    def _set(self, message: Dict[str, Any], session: Session, now: float) -> None:
        name = message.pop("id", None)
        if not isinstance(name, str) or len(name) > _LONGEST_ID:
            raise UserError("id is %s, allowed is a parameter's id" % _quoted(name))
        row = by_id(name)
        value = _number(message, "value", -math.inf, math.inf)
        _nothing_else(message, "set", "id, value")
        self._link.set(name, row.parse(value))

    def _jack(self, message: Dict[str, Any], session: Session, now: float) -> None:
        index = _integer(message, "index", 1, CV_COUNT)
        changes: Dict[str, Union[str, float]] = {}
        if "source" in message:
            source = message.pop("source")
            if source not in SOURCES:
                raise UserError(
                    "source is %s, allowed is one of %s" % (_quoted(source), ", ".join(SOURCES))
                )
            changes["source"] = source
        for key, low, high in _JACK_NUMBERS:
            if key in message:
                changes[key] = _number(message, key, low, high)
        _nothing_else(
            message, "jack", "index, source, " + ", ".join(row[0] for row in _JACK_NUMBERS)
        )
        self._link.set_jack(index, **changes)

    def _gate(self, message: Dict[str, Any], session: Session, now: float) -> None:
        index = _integer(message, "index", 1, GATE_COUNT)
        down = _boolean(message, "down")
        _nothing_else(message, "gate", "index, down")
        self._link.set_gate(index, down)
        if down:
            session.gates.add(index)
        else:
            session.gates.discard(index)

    def _clock(self, message: Dict[str, Any], session: Session, now: float) -> None:
        index = _integer(message, "index", 1, GATE_COUNT)
        on = _boolean(message, "on")
        rate = _number(message, "rate", 0.01, 50.0)
        _nothing_else(message, "clock", "index, on, rate")
        self._link.set_clock(index, on, rate)

    def _bundle(self, message: Dict[str, Any], session: Session, now: float) -> None:
        name = message.pop("name", None)
        if not isinstance(name, str) or len(name) > _LONGEST_NAME:
            raise UserError("name is %s, allowed is a bundle's name" % _quoted(name))
        _nothing_else(message, "bundle", "name")
        self._link.play_bundle(name)

    def _preset(self, message: Dict[str, Any], session: Session, now: float) -> None:
        memory = self._memory
        assert memory is not None  # or this is not in the table
        act = message.pop("act", None)
        acts = {
            "save": memory.save_preset,
            "load": memory.load_preset,
            "delete": memory.delete_preset,
        }
        if act not in ("save", "load", "delete", "rename"):
            raise UserError(
                "act is %s, allowed is one of save, load, rename, delete" % _quoted(act)
            )
        name = _text(message, "name")
        if act == "rename":
            new = _text(message, "new")
            _nothing_else(message, "preset", "act, name, new")
            memory.rename_preset(name, new)
        else:
            _nothing_else(message, "preset", "act, name")
            acts[act](name)


def _quoted(value: Any) -> str:
    """Return a value as it may stand in a sentence: short, whatever a page sent."""
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 40 else text[:37] + "..."


def _text(message: Dict[str, Any], key: str) -> str:
    value = message.pop(key, None)
    if isinstance(value, str) and len(value) <= _LONGEST_NAME:
        return value
    raise UserError(
        "%s is %s, allowed is a text of up to %d characters" % (key, _quoted(value), _LONGEST_NAME)
    )


def _number(message: Dict[str, Any], key: str, low: float, high: float) -> float:
    value = message.pop(key, None)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    allowed = "a number" if math.isinf(low) else "a number from %g to %g" % (low, high)
    raise UserError("%s is %s, allowed is %s" % (key, _quoted(value), allowed))


def _integer(message: Dict[str, Any], key: str, low: int, high: int) -> int:
    value = message.pop(key, None)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise UserError(
        "%s is %s, allowed is a whole number from %d to %d" % (key, _quoted(value), low, high)
    )


def _boolean(message: Dict[str, Any], key: str) -> bool:
    value = message.pop(key, None)
    if isinstance(value, bool):
        return value
    raise UserError("%s is %s, allowed is true or false" % (key, _quoted(value)))


def _nothing_else(message: Dict[str, Any], name: str, allowed: str) -> None:
    if message:
        raise UserError(
            "%s has the unknown field %s, allowed are %s"
            % (name, _quoted(sorted(message)[0]), allowed)
        )
