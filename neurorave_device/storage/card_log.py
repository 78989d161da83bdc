"""The card's log: what the launcher says on the terminal, kept where a player can read it; never much, never needed."""

import logging
import os
from logging.handlers import RotatingFileHandler
from typing import Optional

from neurorave_device.storage.card import LOGS, folder

NAME = "neurorave"
FILE = "neurorave.log"
# So much, twice.
LARGEST = 256 << 10


def logger() -> logging.Logger:
    """Return the launcher's log, which goes nowhere until a card is there."""
    found = logging.getLogger(NAME)
    found.propagate = False
    found.setLevel(logging.INFO)
    return found


def keep_log(card: str) -> Optional[logging.Handler]:
    """Let the log be kept on the card; None where that is not possible. A card that fails later is not waited for."""
    place = folder(card, LOGS)
    if not os.path.isdir(place):
        return None
    try:
        handler = _Quiet(os.path.join(place, FILE), maxBytes=LARGEST, backupCount=1)
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger().addHandler(handler)
    return handler


def drop_log(handler: Optional[logging.Handler]) -> None:
    """Keep the log there no longer."""
    if handler is not None:
        logger().removeHandler(handler)
        try:
            handler.close()
        except OSError:
            pass


class _Quiet(RotatingFileHandler):
    """One that says nothing where the card refuses: what is lost here is on the terminal and in the journal."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass
