"""What the face can lead the player through: each procedure is a dialog, begun anew whenever its page is opened."""

import abc

from neurorave_device.dialog import Dialog


class Procedures(abc.ABC):
    """Both methods return at once and belong to the face's one thread.

    A dialog goes on by itself; whoever draws it shows `view`, hands on what is chosen, and leaves it with its page.
    """

    @abc.abstractmethod
    def calibrate(self) -> Dialog:
        """Begin to calibrate the CV inputs; UserError where these jacks need no calibration."""

    @abc.abstractmethod
    def learn(self) -> Dialog:
        """Begin to teach which MIDI controller moves which parameter; UserError where there is no MIDI."""
