"""The menu only navigates: a stack of at most three pages, and what stands in front of them for a moment."""

from typing import Callable, Dict, List, Optional, Sequence, Tuple, Type

from neurorave_device.errors import UserError
from neurorave_device.parameter import Parameter
from neurorave_device.parameters import PARAMETERS

from .canvas import HEIGHT, WIDTH, Canvas
from .catch_up import CatchUp
from .encoder import CLICK, HOME, LONG, TURN, Gesture
from .font import text_width, wrap
from .groups import Group, groups
from .link import FAULT, STARTING, FaceLink, Telemetry
from .memory import Memory
from .pages import message, splash
from .pages.contents import ContentsPage
from .pages.dialog_page import DialogPage
from .pages.info import InfoPage
from .pages.models import ModelsPage
from .pages.morph import MorphPage
from .pages.page import BACK, Page
from .pages.play import PlayPage
from .pages.presets import PresetsPage
from .pages.settings import CvPage, SettingsPage
from .pages.system import SystemPage
from .procedures import Procedures
from .reach import Reach
from .workshop import Workshop

LEVELS = 3
"""Play page, list of pages, page: never more."""
NOTICE_SECONDS = 1.5
MESSAGE_SECONDS = 6.0
_NOTICE_ROWS = 2
_ROW = 9
_BEAT_SECONDS = 0.4

# The order of the pages; what the table has beyond these comes before the setup.
_FIRST = ("models", "presets", "morph", "cv1", "cv2", "cv3", "cv4", "gates")
_SOUND = ("descriptors", "macro", "motion", "sound")
_LAST = ("calibrate", "midi", "learn", "screen", "encoder", "system", "info")


class Menu:
    """What the encoder moves through. Called from the face's thread; time in seconds on one clock."""

    def __init__(
        self,
        link: FaceLink,
        memory: Optional[Memory] = None,
        workshop: Optional[Workshop] = None,
        catch_up: Optional[CatchUp] = None,
        procedures: Optional[Procedures] = None,
        parameters: Sequence[Parameter] = PARAMETERS,
    ) -> None:
        self._link = link
        self._memory = memory
        self._catch_up = CatchUp() if catch_up is None else catch_up
        self._reach = Reach(link, self.say, self._catch_up, memory, workshop, procedures)
        self._play = PlayPage(self._reach)
        self.contents = ContentsPage(pages_of(self._reach, parameters), self._reach)
        self._stack: List[Page] = [self._play]
        self._said = 0 if memory is None else memory.said()[0]
        self._notice = ""
        self._notice_until = 0.0
        self._message = ""
        self._message_until = 0.0
        self._dismissed = ""
        # What the start said; a sound process that is started again says it once more, and may be quick about it.
        self._said_at_start = ""

    @property
    def page(self) -> Page:
        """The page that is open."""
        return self._stack[-1]

    @property
    def level(self) -> int:
        """How deep the player is; 1 is the play page."""
        return len(self._stack)

    @property
    def changing(self) -> bool:
        """Whether turning changes a value, and does not move through a list or a text."""
        return self.page.changing

    @property
    def learning(self) -> bool:
        """Whether the open page waits for something from outside."""
        return self.page.learning

    def destroys(self, now: float) -> str:
        """Return what a very long press does here, '' where it is only a way home."""
        hidden = self._showing_message(self._link.telemetry(), now)
        return "" if hidden else self.page.destroys

    def handle(self, gesture: Gesture, now: float) -> None:
        """Act on a gesture. While a message is shown, the first click or turn only takes it away."""
        if self._showing_message(self._link.telemetry(), now):
            self._dismissed = self._link.telemetry().message
            self._message = ""
            if gesture.kind != HOME:
                return
        try:
            self._act(gesture, now)
        except UserError as error:
            self._show_message(str(error), now)

    def say(self, text: str, now: float) -> None:
        """Show a text for a moment: at the lower edge where it is short, else in place of the page."""
        if len(wrap(text, WIDTH - 2)) <= _NOTICE_ROWS:
            self._notice = text
            self._notice_until = now + NOTICE_SECONDS
        else:
            self._show_message(text, now)

    def follow(self, now: float) -> None:
        """Let time pass, with or without a picture being drawn."""
        for parameter_id, value in self._catch_up.due(now):
            self._link.set(parameter_id, value)
        if self._memory is not None:
            count, text = self._memory.said()
            if count != self._said:
                self._said = count
                self.say(text, now)
        self.page.follow(now)

    def _act(self, gesture: Gesture, now: float) -> None:
        if gesture.kind == HOME:
            self._leave(now, 1)
        elif gesture.kind == TURN:
            self.page.turn(gesture, now)
        elif gesture.kind == LONG:
            if self.page.destroys:
                self.page.hold(now)
        elif gesture.kind == CLICK:
            move = self.contents if self.page is self._play else self.page.click(now)
            if isinstance(move, Page):
                self._open(move, now)
            elif move is BACK:
                self._leave(now, self.level - 1)

    def _open(self, page: Page, now: float) -> None:
        assert self.level < LEVELS, "a page of the third level opens none"
        page.enter(now)
        self._stack.append(page)

    def _leave(self, now: float, level: int) -> None:
        """Go up to a level; the pages below end what they have begun."""
        while self.level > level:
            self._stack.pop().leave(now)

    def _show_message(self, text: str, now: float) -> None:
        self._message = text
        self._message_until = now + MESSAGE_SECONDS

    def _showing_message(self, telemetry: Telemetry, now: float) -> bool:
        """Say whether a message hides the page; a report's message is shown until it is dismissed."""
        if self._message and now < self._message_until:
            return True
        if not telemetry.message or telemetry.state == STARTING:
            self._dismissed = telemetry.message
        if telemetry.message and telemetry.state == STARTING:
            self._said_at_start = telemetry.message
        return telemetry.message not in ("", self._dismissed, self._said_at_start)

    def draw(self, canvas: Canvas, now: float, on_the_way: float = 0.0) -> None:
        """Draw what the player sees at ``now`` on a dark canvas.

        ``on_the_way``: how far a very long press has come, 0..1.
        """
        telemetry = self._link.telemetry()
        if self._showing_message(telemetry, now):
            own = self._message if now < self._message_until else ""
            heading = "Fault" if telemetry.state == FAULT and not own else "Message"
            message.draw(canvas, heading, own or telemetry.message)
            return
        if telemetry.state == STARTING and self.level == 1:
            splash.draw(canvas, telemetry.message, int(now / _BEAT_SECONDS))
            return
        self.page.draw(canvas, now)
        if on_the_way > 0.0:
            _draw_hold(canvas, self.page.destroys, on_the_way)
        elif self._notice and now < self._notice_until:
            _draw_notice(canvas, self._notice, self.page.edge)


def pages_of(reach: Reach, parameters: Sequence[Parameter]) -> List[Tuple[str, Callable[[], Page]]]:
    """Return title and maker of each page of the list, in its order; each page is made once."""
    table = {group.key: group for group in groups(parameters)}
    own: Dict[str, Tuple[str, Callable[[], Page]]] = {
        "models": ("Models", lambda: ModelsPage(reach)),
        "presets": ("Presets", lambda: PresetsPage(reach)),
        "system": ("System", lambda: SystemPage(reach)),
        "info": ("Info", lambda: InfoPage(reach)),
    }
    if reach.procedures is not None:
        begin = reach.procedures
        # Playing without a calibration is asked for twice, and then it takes the long press.
        sure = [("sure", "reset")]
        own["calibrate"] = (
            "Calibrate",
            lambda: DialogPage(begin.calibrate, reach, sure, "reset the calibration"),
        )
        own["learn"] = (
            "MIDI learn",
            lambda: DialogPage(
                begin.learn, reach, [("page", "forget all")], "forget all controllers"
            ),
        )
    for key, group in table.items():
        own[key] = (group.title, _settings_page(group, reach))
    known = _FIRST + _SOUND + _LAST
    order = _FIRST + _SOUND + tuple(key for key in table if key not in known) + _LAST
    return [(own[key][0], _once(own[key][1])) for key in order if key in own]


def _settings_page(group: Group, reach: Reach) -> Callable[[], Page]:
    kind: Type[SettingsPage] = SettingsPage
    if group.key == "morph":
        kind = MorphPage
    elif group.key.startswith("cv"):
        kind = CvPage
    return lambda: kind(group, reach)


def _once(make: Callable[[], Page]) -> Callable[[], Page]:
    made: List[Page] = []

    def page() -> Page:
        if not made:
            made.append(make())
        return made[0]

    return page


def _draw_notice(canvas: Canvas, text: str, edge: int) -> None:
    """Write one or two lines over the lower edge of the page, whose last line begins at ``edge``."""
    lines = wrap(text, WIDTH - 2)[:_NOTICE_ROWS]
    if len(lines) > 1:
        edge = HEIGHT - _ROW * len(lines) - 1
        canvas.fill(0, edge - 1, WIDTH, 1, lit=False)
    canvas.fill(0, edge, WIDTH, HEIGHT - edge, lit=False)
    for row, line in enumerate(lines):
        canvas.text(0, HEIGHT - 8 - _ROW * (len(lines) - 1 - row), line)


def _draw_hold(canvas: Canvas, what: str, share: float) -> None:
    """Show over the lower edge that a very long press is on its way, and what to."""
    top = HEIGHT - 2 * _ROW
    canvas.fill(0, top - 2, WIDTH, HEIGHT - top + 2, lit=False)
    canvas.dots(0, top - 2, WIDTH, 3)
    text = "hold: " + what
    canvas.text_fit(max(0, (WIDTH - text_width(text)) // 2), top, text, WIDTH)
    canvas.frame(0, top + 10, WIDTH, 7)
    canvas.fill(2, top + 12, round(share * (WIDTH - 4)), 3)
