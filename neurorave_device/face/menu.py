"""The menu's state machine: play page, list, page of one group; a click in a group edits a value in its place."""

import enum
from typing import List, Sequence, Tuple

from neurorave_device.errors import UserError
from neurorave_device.parameter import Parameter
from neurorave_device.parameters import PARAMETERS

from .canvas import Canvas
from .encoder import CLICK, HOME, TURN, Gesture
from .groups import Entry, Group, groups, shown
from .link import CV_COUNT, FAULT, STARTING, FaceLink, Telemetry, sounding
from .pages import edit, info, message, play, splash
from .steps import stepped
from .words import title, word

BACK = "Back"
_INFO = "Info"
NOTICE_SECONDS = 1.5
MESSAGE_SECONDS = 6.0
_BEAT_SECONDS = 0.4


class Place(enum.Enum):
    """Where the player is; GROUP and INFO are the deepest level."""

    PLAY = "play"
    LIST = "list"
    GROUP = "group"
    INFO = "info"


class Menu:
    """What the encoder moves through. Called from the face's thread; time in seconds on one clock."""

    def __init__(self, link: FaceLink, parameters: Sequence[Parameter] = PARAMETERS) -> None:
        self._link = link
        self._groups: Tuple[Group, ...] = groups(parameters)
        self._level = next((p for p in parameters if p.id == "level"), None)
        self.place = Place.PLAY
        self.editing = False
        self._list_cursor = 1
        self._cursor = 0
        self._group = 0
        self._info_top = 0
        self._fine = False
        self._notice = ""
        self._notice_until = 0.0
        self._message = ""
        self._message_until = 0.0
        self._dismissed = ""

    @property
    def cursor(self) -> int:
        """The line that the cursor is on; 0 is Back."""
        return self._list_cursor if self.place is Place.LIST else self._cursor

    @property
    def changing(self) -> bool:
        """Whether turning changes a value, and does not move through a list or a text."""
        return self.editing or self.place is Place.PLAY

    def handle(self, gesture: Gesture, now: float) -> None:
        """Act on a gesture. While a message is shown, the first click or turn only takes it away."""
        if self._showing_message(self._link.telemetry(), now):
            self._dismissed = self._link.telemetry().message
            self._message = ""
            if gesture.kind != HOME:
                return
        if gesture.kind == HOME:
            self.place = Place.PLAY
            self.editing = False
            self._list_cursor = 1
        elif gesture.kind == CLICK:
            self._click()
        elif gesture.kind == TURN:
            self._turn(gesture, now)

    def say(self, text: str, now: float) -> None:
        """Show a message of one sentence for some seconds, or until the encoder is touched."""
        self._message = text
        self._message_until = now + MESSAGE_SECONDS

    def _entries(self) -> Tuple[Entry, ...]:
        return self._groups[self._group].entries

    def _titles(self) -> List[str]:
        return [BACK] + [group.title for group in self._groups] + [_INFO]

    def _click(self) -> None:
        if self.place is Place.PLAY:
            self.place = Place.LIST
        elif self.place is Place.LIST:
            self._open(self._list_cursor)
        elif self.place is Place.INFO or self._cursor == 0:
            self.place = Place.LIST
        else:
            self.editing = not self.editing
            self._fine = False

    def _open(self, line: int) -> None:
        if line == 0:
            self.place = Place.PLAY
        elif line > len(self._groups):
            self.place = Place.INFO
            self._info_top = 0
        else:
            self.place = Place.GROUP
            self._group = line - 1
            # The first value is what one opens a page for; Back is one detent away.
            self._cursor = 1

    def _turn(self, gesture: Gesture, now: float) -> None:
        if self.place is Place.PLAY:
            if self._level is not None:
                self._change(self._level, gesture, now)
                self._notice = "%s %s" % (
                    self._level.name,
                    shown(self._level, self._link.get(self._level.id)),
                )
                self._notice_until = now + NOTICE_SECONDS
        elif self.place is Place.LIST:
            last = len(self._titles()) - 1
            self._list_cursor = min(max(self._list_cursor + gesture.steps, 0), last)
        elif self.place is Place.INFO:
            spare = len(info.lines(self._link.info())) - info.VISIBLE_ROWS
            self._info_top = min(max(self._info_top + gesture.steps, 0), max(spare, 0))
        elif self.editing:
            self._fine = gesture.fine
            self._change(self._entries()[self._cursor - 1].parameter, gesture, now)
        else:
            self._cursor = min(max(self._cursor + gesture.steps, 0), len(self._entries()))

    def _change(self, parameter: Parameter, gesture: Gesture, now: float) -> None:
        try:
            self._link.set(parameter.id, stepped(parameter, self._link.get(parameter.id), gesture))
        except UserError as error:
            self.say(str(error), now)

    def _showing_message(self, telemetry: Telemetry, now: float) -> bool:
        """Say whether a message hides the page; a report's message is shown until it is dismissed."""
        if self._message and now < self._message_until:
            return True
        if not telemetry.message or telemetry.state == STARTING:
            self._dismissed = telemetry.message
        return bool(telemetry.message) and telemetry.message != self._dismissed

    def draw(self, canvas: Canvas, now: float) -> None:
        """Draw the page that the player sees at ``now`` on a dark canvas."""
        telemetry = self._link.telemetry()
        if self._showing_message(telemetry, now):
            own = self._message if now < self._message_until else ""
            heading = "Fault" if telemetry.state == FAULT and not own else "Message"
            message.draw(canvas, heading, own or telemetry.message)
        elif self.place is Place.LIST:
            rows = [edit.Row(name) for name in self._titles()]
            edit.draw(canvas, title(str(self._link.info()["name"])), rows, self._list_cursor)
        elif self.place is Place.GROUP:
            self._draw_group(canvas)
        elif self.place is Place.INFO:
            about = self._link.info()
            info.draw(canvas, str(about["name"]), info.lines(about), self._info_top)
        elif telemetry.state == STARTING:
            splash.draw(canvas, telemetry.message, int(now / _BEAT_SECONDS))
        else:
            self._draw_play(canvas, telemetry, now)

    def _draw_group(self, canvas: Canvas) -> None:
        rows = [edit.Row(BACK)]
        for entry in self._entries():
            value = self._link.get(entry.parameter.id)
            share = entry.parameter.to_unit(value) if entry.parameter.measured else None
            rows.append(edit.Row(entry.name, shown(entry.parameter, value), share))
        hint = "fine" if self.editing and self._fine else ""
        edit.draw(canvas, self._heading(), rows, self._cursor, self.editing, hint)

    def _heading(self) -> str:
        """Return the group's title; a CV's page also says what the CV moves."""
        heading = self._groups[self._group].title
        first = self._entries()[0].parameter
        if first.id.endswith(".destination"):
            heading += " \u2192 " + word(first.format(self._link.get(first.id))).full
        return heading

    def _draw_play(self, canvas: Canvas, telemetry: Telemetry, now: float) -> None:
        about = self._link.info()
        play.draw(
            canvas,
            str(about["name"]),
            [str(descriptor["name"]) for descriptor in about["descriptors"]],
            [self._destination(index) for index in range(1, CV_COUNT + 1)],
            telemetry,
            self._notice if now < self._notice_until else "",
            sounding(self._link),
        )

    def _destination(self, index: int) -> str:
        name = "cv%d.destination" % index
        for group in self._groups:
            for entry in group.entries:
                if entry.parameter.id == name:
                    return entry.parameter.format(self._link.get(name))
        return "none"
