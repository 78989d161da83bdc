"""What belongs to the module and not to the patch: screen, encoder, MIDI."""

from typing import List

from neurorave_device.parameter import Parameter, choice, number, toggle

MIDI_CHANNELS = ("all",) + tuple(str(channel) for channel in range(1, 17))
MIDI_NOTES = ("gate 1", "gate 2", "split at C4", "off")


def setup_rows() -> List[Parameter]:
    """Return the rows; presets leave them alone."""
    minutes = "0 means never."
    return [
        number(
            "screen.contrast",
            "Contrast",
            "%",
            0.0,
            1.0,
            0.8,
            "screen",
            "How bright the screen is.",
            setup=True,
        ),
        number(
            "screen.dim",
            "Dim after",
            "min",
            0.0,
            120.0,
            2.0,
            "screen",
            "How long after the last touch the screen is dimmed; " + minutes,
            digits=0,
            setup=True,
        ),
        number(
            "screen.saver",
            "Saver after",
            "min",
            0.0,
            120.0,
            5.0,
            "screen",
            "How long after the last touch the saver begins; " + minutes,
            digits=0,
            setup=True,
        ),
        number(
            "screen.blank",
            "Blank after",
            "min",
            0.0,
            120.0,
            20.0,
            "screen",
            "How long after the last touch the screen goes dark; " + minutes,
            digits=0,
            setup=True,
        ),
        choice(
            "encoder.direction",
            "Direction",
            ("normal", "reversed"),
            "normal",
            "encoder",
            "Which way round is upwards.",
            setup=True,
        ),
        toggle(
            "encoder.acceleration",
            "Acceleration",
            True,
            "encoder",
            "Whether numbers go in larger steps when the encoder is turned fast.",
            setup=True,
        ),
        number(
            "encoder.light",
            "Light",
            "%",
            0.0,
            1.0,
            1.0,
            "encoder",
            "How bright the light in the encoder is.",
            setup=True,
        ),
        toggle("midi.on", "MIDI", False, "midi", "Whether the module listens to MIDI.", setup=True),
        choice(
            "midi.channel",
            "Channel",
            MIDI_CHANNELS,
            "all",
            "midi",
            "Which MIDI channel is listened to.",
            setup=True,
        ),
        choice(
            "midi.notes",
            "Notes play",
            MIDI_NOTES,
            "gate 1",
            "midi",
            "Which gate a note opens; split: below middle C gate 1, from it on gate 2.",
            setup=True,
        ),
        toggle(
            "midi.programs",
            "Programs",
            True,
            "midi",
            "Whether a program change loads the preset of that number.",
            setup=True,
        ),
    ]
