"""What pages are sent: the newest of each kind, once, in virtual time."""

import json
import struct
from typing import Any, Dict, List, Tuple

import numpy as np

from neurorave_device.clock import VirtualClock
from neurorave_device.face.face import Face
from neurorave_device.face.panel.hub import AudioTap, Hub
from neurorave_device.face.panel.protocol import (
    AUDIO,
    HEADER_BYTES,
    PICTURE,
    audio_frame,
    picture_frame,
    text_frame,
)
from neurorave_device.parameters import PARAMETERS

from .fake_link import FakeLink


def _hub() -> Tuple[VirtualClock, FakeLink, Hub]:
    clock = VirtualClock(100.0)
    link = FakeLink(clock)
    return clock, link, Hub(link, Face(link), clock)


def _texts(found: List[Any]) -> Dict[str, Any]:
    parsed = [json.loads(item) for item in found if isinstance(item, str)]
    return {item["type"]: item for item in parsed}


def test_a_new_page_gets_everything_once_and_the_greeting_first() -> None:
    _, _, hub = _hub()
    hub.tick()
    seen: Dict[str, int] = {}
    found = hub.news(seen)
    assert [json.loads(item)["type"] for item in found if isinstance(item, str)] == [
        "hello",
        "values",
        "jacks",
        "telemetry",
    ]
    assert sum(isinstance(item, bytes) for item in found) == 1
    assert hub.news(seen) == []


def test_the_greeting_carries_the_parameter_table_and_the_words() -> None:
    _, link, hub = _hub()
    hub.tick()
    hello = _texts(hub.news({}))["hello"]
    assert [row["id"] for row in hello["parameters"]] == [row.id for row in PARAMETERS]
    assert hello["words"]["centroid"] == "brightness"
    assert hello["words"]["latent_0"] == "timbre"
    link.pitched = True
    hub.changed()
    hub.tick()
    assert _texts(hub.news({}))["hello"]["words"]["latent_0"] == "pitch"
    assert hello["info"]["sample_rate"] == 44100
    assert "sine" in hello["sources"]


def test_telemetry_comes_twenty_times_a_second_and_pictures_only_when_changed() -> None:
    clock, _, hub = _hub()
    seen: Dict[str, int] = {}
    telemetry = pictures = others = 0
    for _ in range(80):
        hub.tick()
        for item in hub.news(seen):
            if isinstance(item, bytes):
                pictures += 1
            elif json.loads(item)["type"] == "telemetry":
                telemetry += 1
            else:
                others += 1
        clock.advance(0.025)
    assert 39 <= telemetry <= 41
    assert pictures == 1
    assert others == 3


def test_moving_things_are_drawn_at_most_fifteen_times_a_second() -> None:
    clock, link, hub = _hub()
    link.set_jack(1, source="sine")
    seen: Dict[str, int] = {}
    pictures = 0
    for _ in range(80):
        hub.tick()
        pictures += sum(isinstance(item, bytes) for item in hub.news(seen))
        clock.advance(0.025)
    assert 20 <= pictures <= 30


def test_a_slowed_face_sends_a_third_of_the_pictures_and_fewer_reports() -> None:
    clock, link, hub = _hub()
    link.set_jack(1, source="sine")
    link.eased = 2
    seen: Dict[str, int] = {}
    pictures = reports = 0
    for _ in range(80):
        hub.tick()
        found = hub.news(seen)
        pictures += sum(isinstance(item, bytes) for item in found)
        reports += "telemetry" in _texts(found)
        clock.advance(0.025)
    assert 8 <= pictures <= 10
    assert 9 <= reports <= 11


def test_a_page_that_did_not_look_for_a_while_gets_only_the_newest() -> None:
    clock, link, hub = _hub()
    seen: Dict[str, int] = {}
    hub.tick()
    hub.news(seen)
    for step in range(50):
        link.late = step
        link.set("level", -float(step))
        clock.advance(0.1)
        hub.tick()
    found = _texts(hub.news(seen))
    assert found["telemetry"]["late"] == 49
    assert found["values"]["values"]["level"] == -49.0


def test_a_change_by_one_page_reaches_the_others_at_the_next_tick() -> None:
    _, link, hub = _hub()
    seen: Dict[str, int] = {}
    hub.tick()
    hub.news(seen)
    link.set_jack(2, volts=1.25)
    hub.changed()
    hub.tick()
    assert _texts(hub.news(seen))["jacks"]["cv"][1]["volts"] == 1.25


def test_numbers_that_json_lacks_become_null() -> None:
    text = text_frame("x", values=(float("nan"), 1.0, {"a": float("inf")}), n=np.float32(2))
    assert json.loads(text) == {"type": "x", "values": [None, 1.0, {"a": None}], "n": 2.0}


def test_frames_have_a_header_of_sixteen_bytes() -> None:
    samples = np.array([0.5, -1.0], np.float32)
    frame = audio_frame(7, 1234567890123, samples)
    assert struct.unpack("<IId", frame[:HEADER_BYTES]) == (AUDIO, 7, 1234567890123.0)
    assert np.array_equal(np.frombuffer(frame[16:], "<f4"), samples)
    frame = picture_frame(2**32 + 3, b"\x01" * 1024)
    assert struct.unpack("<IId", frame[:HEADER_BYTES]) == (PICTURE, 3, 0.0)
    assert len(frame) == 1040


def _position(frame: bytes) -> int:
    return int(struct.unpack("<IId", frame[:16])[2])


def test_audio_is_gapless_while_a_page_keeps_up() -> None:
    clock = VirtualClock()
    link = FakeLink(clock)
    tap = AudioTap(link.read_audio)
    assert tap.frames(44100) == []
    next_position = None
    for _ in range(40):
        clock.advance(0.0113)
        for frame in tap.frames(44100):
            assert next_position in (None, _position(frame))
            next_position = _position(frame) + (len(frame) - 16) // 4
    assert next_position == int(0.0113 * 40 * 44100)


def test_a_slow_page_gets_the_newest_sound() -> None:
    clock = VirtualClock()
    link = FakeLink(clock)
    tap = AudioTap(link.read_audio)
    tap.frames(44100)
    clock.advance(60.0)
    (frame,) = tap.frames(44100)
    count = (len(frame) - 16) // 4
    assert count == 4410
    assert _position(frame) + count == 60 * 44100
    assert struct.unpack("<IId", frame[:16])[1] == 1
