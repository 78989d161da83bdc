"""The configuration: defaults, a YAML file, the command line, in this order."""

import json
import os
from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional

import jsonschema
import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from neurorave_device.errors import UserError
from neurorave_device.machine import audio_jacks, board
from neurorave_device.parameters import by_id, default_values

SCHEMA_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "config_schema.json")
COMMAND_LINE = "command line"
CARD_AHEAD_MS = 20.0
OTHER_AHEAD_MS = 45.0

# Paths that a configuration file may give relative to its own folder.
_PATHS = ("bundle", "cv_file", "out", "state", "card")


class Config(NamedTuple):
    """How the module is started.

    `bundle`, `cv_file` and `out` are paths; `panel`, `audio` and `engine` are names of backends;
    `device` is the name of a sound card or a part of it, None for the system's choice; `awake` whether the
    processors are kept out of idle states while it plays; `block` is in samples, `latency_ms` how far ahead of
    the output the sound is made (None: see `ahead_ms`),
    `seconds` after how long to stop (None: never), `state` the folder for what is remembered (None: see
    storage/place.py), `card` the folder where the card is mounted (`card.py`).  `board` is how the front panel is
    wired (`board.py`), `audio_panel` which inputs of a sound card are the jacks (`audio_jacks.py`), `patch` holds
    parameter values by id, all three only where they differ from the default.
    """

    bundle: str = "models/hand_percussion"
    panel: str = "virtual"
    audio: str = "browser"
    engine: str = "auto"
    port: int = 8765
    block: int = 128
    latency_ms: Optional[float] = None
    device: Optional[str] = None
    awake: bool = True
    cv_file: Optional[str] = None
    out: Optional[str] = None
    seconds: Optional[float] = None
    board: Mapping[str, Any] = {}
    audio_panel: Mapping[str, Any] = {}
    state: Optional[str] = None
    card: Optional[str] = None
    patch: Mapping[str, float] = {}

    @property
    def ahead_ms(self) -> float:
        """Milliseconds that the sound is made ahead of the output.

        Gates do not wait for it, knobs do. A sound card belongs to a machine that is there to play. A browser
        holds back far more than this itself, and stands on a machine that does other things as well.
        """
        if self.latency_ms is not None:
            return self.latency_ms
        return CARD_AHEAD_MS if self.audio == "soundcard" else OTHER_AHEAD_MS


class Given(NamedTuple):
    """A configuration, and for each key that was given what gave it: a file (its path), or `COMMAND_LINE`."""

    config: Config
    sources: Mapping[str, str]

    @property
    def keys(self) -> FrozenSet[str]:
        """What was given: it wins over what is remembered."""
        return frozenset(self.sources)


def load_config(
    path: Optional[str] = None, overrides: Optional[Mapping[str, Any]] = None
) -> Config:
    """Return the configuration of `load_given`."""
    return load_given(path, overrides).config


def load_given(path: Optional[str] = None, overrides: Optional[Mapping[str, Any]] = None) -> Given:
    """Return the defaults, changed by the file at `path`, changed by `overrides`, and which of them gave what.

    An override of None counts as not given.  Relative paths in the file start from its folder.
    UserError names file, key, value and what is allowed.
    """
    layers: List[Dict[str, Any]] = []
    sources: Dict[str, str] = {}
    if path is not None:
        layers.append(_checked(path, _adapted(path, _read(path))))
        sources.update((key, path) for key in layers[-1])
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    layers.append(_checked(COMMAND_LINE, given))
    sources.update((key, COMMAND_LINE) for key in given)
    # Parameter ids have dots in them; merged as dictionaries they stay keys.
    merged = OmegaConf.merge(OmegaConf.create(dict(Config()._asdict())), *layers)
    plain: Dict[str, Any] = OmegaConf.to_container(merged)  # type: ignore[assignment]
    for key in ("latency_ms", "seconds"):
        if plain[key] is not None:
            plain[key] = float(plain[key])
    return Given(Config(**plain), sources)


def _read(path: str) -> Dict[str, Any]:
    try:
        loaded = OmegaConf.load(path)
        plain = OmegaConf.to_container(loaded, resolve=True)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise UserError("{}: {}; a configuration is a YAML file".format(path, reason)) from None
    except UnicodeDecodeError:
        raise UserError("{}: not text, a configuration is a YAML file".format(path)) from None
    except yaml.YAMLError as error:
        raise UserError("{}: not valid YAML{}".format(path, _place(error))) from None
    except OmegaConfBaseException as error:
        first = str(error).splitlines()[0]
        raise UserError("{}: {}".format(path, first)) from None
    if not isinstance(plain, dict):
        raise UserError("{}: a list, a configuration is made of keys and values".format(path))
    return {str(key): value for key, value in plain.items()}


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return " at line {}".format(mark.line + 1) if mark is not None else ""


def _adapted(path: str, values: Dict[str, Any]) -> Dict[str, Any]:
    """Return what a file means: its paths start from its folder, its null output is a name."""
    folder = os.path.dirname(path)
    moved = dict(values)
    if "audio" in moved and moved["audio"] is None:
        # YAML reads this backend's name as nothing at all.
        moved["audio"] = "null"
    for key in _PATHS:
        if isinstance(moved.get(key), str) and moved[key]:
            moved[key] = os.path.join(folder, os.path.expanduser(moved[key]))
    return moved


def _checked(source: str, values: Dict[str, Any]) -> Dict[str, Any]:
    """Return `values` with the patch as numbers, or raise the first thing that is wrong."""
    with open(SCHEMA_PATH, encoding="utf-8") as file:
        schema = json.load(file)
    allowed = schema["properties"]
    for key in values:
        if key not in allowed and key in default_values():
            raise UserError(
                "{}: {} (value {!r}) is a parameter id, parameter ids belong under `patch:`".format(
                    source, key, values[key]
                )
            )
        if key not in allowed:
            raise UserError(
                "{}: unknown key {!r} (value {!r}), allowed are {}".format(
                    source, key, values[key], ", ".join(allowed)
                )
            )
    wrong = [str(error.path[0]) for error in jsonschema.Draft7Validator(schema).iter_errors(values)]
    # No bound of a schema stops what is not a number.
    wrong += [key for key, value in values.items() if value != value]
    if wrong:
        key = sorted(wrong)[0]
        raise UserError(
            "{}: {} is {!r}, allowed is {}".format(
                source, key, values[key], allowed[key]["description"]
            )
        )
    checked = dict(values)
    if "board" in checked:
        checked["board"] = board.checked(source, checked["board"])
    if "audio_panel" in checked:
        checked["audio_panel"] = audio_jacks.checked(source, checked["audio_panel"])
    if "patch" in checked:
        checked["patch"] = _patch(source, checked["patch"])
    return checked


def _patch(source: str, patch: Mapping[str, Any]) -> Dict[str, float]:
    numbers: Dict[str, float] = {}
    for key, raw in patch.items():
        try:
            numbers[str(key)] = by_id(str(key)).parse(raw)
        except UserError as error:
            raise UserError("{}: patch: {}".format(source, error)) from None
    return numbers
