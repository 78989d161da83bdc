"""A thousand gestures at random, twice: nothing breaks, there is always a way home, and the same seed does the same."""

import random
from pathlib import Path
from typing import List, Tuple

from neurorave_device.face.happenings import Happenings
from neurorave_device.face.menu import LEVELS
from neurorave_device.link.events import NEXT_PRESET, Event
from neurorave_device.parameters import PARAMETERS

from .hand import Hand

GESTURES = 1000
# How often each kind is drawn; most of what a hand does is turning and clicking.
KINDS = ["turn"] * 10 + ["fast"] * 3 + ["fine"] * 2 + ["click"] * 9 + ["hold", "long", "let go"]
KINDS += ["wait"] * 2 + ["load", "other", "next", "fault", "shelf"]


class Monkey:
    """Does at random what hands, cables, other pages and gates can do to one face."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.dice = random.Random(seed)
        self.hand = Hand(folder)
        self.happenings = Happenings(self.hand.link, self.hand.face.say, self.hand.memory)
        self.hand.memory.save_preset("first")

    def do(self) -> None:
        dice, hand = self.dice, self.hand
        kind = dice.choice(KINDS)
        now = hand.clock.now()
        if kind in ("turn", "fine"):
            hand.face.turn(dice.randint(-3, 3), now, kind == "fine")
        elif kind == "fast":
            for _ in range(dice.randint(2, 12)):
                hand.face.turn(dice.choice([-1, 1, 1]), hand.clock.now())
                hand.clock.advance(0.01)
        elif kind in ("click", "hold", "long"):
            hand.hold({"click": 0.1, "hold": 0.9, "long": 4.3}[kind])
        elif kind == "let go":
            hand.press(dice.uniform(0.0, 4.5))
            hand.face.cancel()
        elif kind == "load" and hand.memory.presets():
            hand.memory.load_preset(dice.choice(hand.memory.presets()))
        elif kind == "other":
            row = dice.choice(PARAMETERS)
            hand.link.set(row.id, row.from_unit(dice.random()))
        elif kind == "next":
            hand.link.events.append(Event(NEXT_PRESET))
        elif kind == "fault":
            hand.link.message = dice.choice(
                ["", "", "", "Too hot: the screen is drawn less often."]
            )
        elif kind == "shelf":
            hand.link.shelf = hand.link.shelf[: dice.randint(1, 2)] + [("torn", "no schema")]
        self.happenings.follow(hand.clock.now())
        hand.look(dice.choice([0.1, 1.0, 3.0] if kind == "wait" else [0.1]))

    def state(self) -> Tuple[object, ...]:
        menu = self.hand.face.menu
        values = tuple(self.hand.link.get(row.id) for row in PARAMETERS)
        presets = tuple(sorted(self.hand.memory.kept))
        return menu.level, type(menu.page).__name__, self.hand.face.picture, values, presets


def _run(seed: int, folder: Path) -> List[Tuple[object, ...]]:
    monkey = Monkey(seed, folder)
    found = []
    for step in range(GESTURES):
        monkey.do()
        found.append(monkey.state())
        assert 1 <= monkey.hand.face.menu.level <= LEVELS
        for row in PARAMETERS:
            assert row.low <= monkey.hand.link.get(row.id) <= row.high, row.id
        if step % 20 == 0:
            monkey.hand.link.message = ""
            monkey.hand.home()
            assert monkey.hand.face.menu.level == 1
    return found


def test_a_thousand_gestures_break_nothing_and_repeat_with_their_seed(
    tmp_path: Path,
) -> None:
    first = _run(1, tmp_path / "first")
    second = _run(1, tmp_path / "second")
    assert first == second
    # They went everywhere, not in a corner.
    assert {level for level, *_ in first} == {1, 2, 3}
    assert len({page for _, page, *_ in first}) >= 7
    assert len({values for _, _, _, values, _ in first}) > 100
