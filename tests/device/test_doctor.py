"""The doctor: what it says of machines that lack this or that, and that its status fits."""

import json
import sys
from typing import Any, Dict, List

import pytest

from neurorave_device import doctor
from neurorave_device.audio.cards import Card
from neurorave_device.config import Config
from neurorave_device.doctor import FAIL, OK, WARN, Machine, Result, examine, exit_status
from neurorave_device.doctor.software import NEEDED
from neurorave_device.link.shared import total_bytes
from neurorave_device.machine.thermal import Heat
from neurorave_device.storage.card import CardState

from .paper_machine import BOARD, Paper, a_board, row


def test_a_good_machine_is_all_ok() -> None:
    results = examine(Paper())
    assert {result.state for result in results} == {OK}
    assert exit_status(results) == 0


@pytest.mark.parametrize("name,module", NEEDED)
def test_a_missing_package_fails_and_says_what_to_do(name: str, module: str) -> None:
    machine = Paper()
    machine.broken[module] = ImportError("No module named %r" % module)
    results = examine(machine)
    assert row(results, name).state == FAIL
    assert "make setup" in row(results, name).text and module in row(results, name).text
    assert exit_status(results) == 1
    assert [result.name for result in results if result.state == FAIL] == [name]


def test_a_package_whose_library_is_broken_fails_too() -> None:
    machine = Paper()
    machine.broken["soundfile"] = OSError("libsndfile.so.1: cannot open\nshared object file")
    found = row(examine(machine), "soundfile")
    assert found.state == FAIL
    assert "\n" not in found.text


def test_midi_ports_are_named_and_what_keeps_them_from_being_heard() -> None:
    machine = Paper()
    assert "no port now" in row(examine(machine), "midi").text
    machine.present["/dev/snd/midiC*D*"] = ["/dev/snd/midiC1D0"]
    assert row(examine(machine), "midi") == Result("midi", OK, "/dev/snd/midiC1D0")
    machine.barred = ["/dev/snd/midiC1D0"]
    found = row(examine(machine), "midi")
    assert found.state == WARN and "audio" in found.text
    machine.broken["mido"] = ImportError("No module named 'mido'")
    found = row(examine(machine), "midi")
    assert found.state == WARN and "[midi]" in found.text
    assert exit_status(examine(machine)) == 0


@pytest.mark.parametrize(
    "panel, state, words",
    [
        ({}, OK, ["ES-8 has 8"]),
        ({"device": "es-8"}, OK, ["ES-8 has 8"]),
        ({"device": "Built"}, WARN, ["Built with 6 inputs", "Built-in has 2"]),
        ({"device": "Motu"}, WARN, ["Motu", "Built-in has 2, ES-8 has 8"]),
        ({"channels": [5, 6, 7, 8, 9, 10]}, WARN, ["10 inputs"]),
    ],
)
def test_the_inputs_of_a_card_that_are_the_jacks(
    panel: Dict[str, Any], state: str, words: List[str]
) -> None:
    found = row(examine(Paper(), Config(panel="audio", audio_panel=panel)), "inputs")
    assert found.state == state
    assert all(word in found.text for word in words), found.text


def test_a_card_that_cannot_be_looked_for_is_a_warning() -> None:
    machine = Paper()
    machine.inputs = OSError("PortAudio library not found")
    assert row(examine(machine, Config(panel="audio")), "inputs").state == WARN


def test_inputs_without_a_calibration_are_told_what_to_do() -> None:
    machine = a_board()
    assert row(examine(machine, BOARD), "calibration").state == OK
    machine.kept = (False, "")
    found = row(examine(machine, BOARD), "calibration")
    assert found.state == WARN and "neurorave calibrate" in found.text
    machine.kept = (False, "calibration-board.json: damaged (it is empty); it is left out")
    assert "damaged" in row(examine(machine, BOARD), "calibration").text


def test_old_python_fails() -> None:
    machine = Paper()
    machine.release = (3, 5, 9)
    assert row(examine(machine), "python").state == FAIL


def test_a_processor_that_may_not_be_kept_awake_is_a_warning_that_says_how() -> None:
    machine = Paper()
    machine.present["/dev/cpu_dma_latency"] = ["/dev/cpu_dma_latency"]
    assert "kept awake" in row(examine(machine), "awake").text
    machine.barred = ["/dev/cpu_dma_latency"]
    found = row(examine(machine), "awake")
    assert found.state == WARN and "udev" in found.text
    machine.present.clear()
    assert row(examine(machine), "awake").state == OK


@pytest.mark.parametrize("cards", [[], OSError("PortAudio library not found"), ImportError("no")])
def test_no_sound_card_is_a_warning_only(cards: Any) -> None:
    machine = Paper()
    machine.cards = cards
    results = examine(machine)
    assert row(results, "soundcard").state == WARN
    assert "browser" in row(results, "soundcard").text
    assert exit_status(results) == 0


def test_sound_cards_are_named_with_their_rates() -> None:
    machine = Paper()
    machine.cards = [Card("HDMI", 44100, False), Card("USB Audio", 48000, True)]
    assert row(examine(machine), "soundcard") == Result(
        "soundcard", OK, "HDMI (44100 Hz), USB Audio (default, 48000 Hz)"
    )


def test_no_realtime_permission_is_a_warning_with_the_remedy() -> None:
    machine = Paper()
    machine.realtime = 0
    found = row(examine(machine), "realtime")
    assert found.state == WARN and "rtprio 80" in found.text
    assert found.text.startswith("not permitted, so")


def test_a_permission_that_ends_too_low_names_what_it_is_too_low_for() -> None:
    machine = Paper()
    machine.realtime = machine.limit = 60
    found = row(examine(machine), "realtime")
    assert found.state == WARN and "rtprio 80" in found.text
    assert found.text.startswith("not permitted for output (70) and inputs (65), so")


def test_a_kernel_that_refuses_what_the_limits_allow_is_told_apart() -> None:
    machine = Paper()
    machine.realtime, machine.limit = 0, 80
    found = row(examine(machine), "realtime")
    assert found.state == WARN and "rtprio" not in found.text
    assert "RT_GROUP_SCHED" in found.text


def test_realtime_says_which_priorities_are_taken() -> None:
    text = row(examine(Paper()), "realtime").text
    assert text == "permitted: output 70, inputs 65, synthesis 60"


def test_the_hottest_zone_is_named_with_its_limit() -> None:
    machine = Paper()
    text = "CPU-therm has 46 C, limit 92 C, its passive trip point less 5"
    assert row(examine(machine), "thermal") == Result("thermal", OK, text)
    machine.hottest = Heat("board", 83.0, 80.0, False)
    found = row(examine(machine), "thermal")
    assert found.state == WARN
    assert "board has 83 C, too hot (80 C, since no zone has a trip point)" in found.text
    machine.hottest = None
    assert row(examine(machine), "thermal").state == OK


def test_shared_memory_that_is_full_fails_and_a_missing_one_warns() -> None:
    machine = Paper()
    machine.free = total_bytes() - 1
    assert row(examine(machine), "shm").state == FAIL
    machine.free = total_bytes()
    assert row(examine(machine), "shm").state == OK
    machine.free = None
    assert row(examine(machine), "shm").state == WARN


def test_models_that_are_missing_or_bad_are_a_warning() -> None:
    machine = Paper()
    for found, word in (
        (OSError("no"), "--bundle"),
        ([], "--bundle"),
        ([("good", ""), ("bad", "bad/bundle.yaml: schema is 2")], "schema is 2"),
    ):
        machine.found = found
        result = row(examine(machine), "models")
        assert result.state == WARN and word in result.text


def test_no_cpu_provider_fails() -> None:
    machine = Paper()
    machine.runs_on = ["TensorrtExecutionProvider"]
    assert row(examine(machine), "providers").state == FAIL


def test_board_nodes_are_named_and_barred_ones_warn() -> None:
    machine = Paper()
    machine.present["/dev/spidev*"] = ["/dev/spidev0.0"]
    assert row(examine(machine), "spi") == Result("spi", OK, "/dev/spidev0.0")
    machine.barred = ["/dev/spidev0.0"]
    assert row(examine(machine), "spi").state == WARN


def test_a_good_board_is_all_ok() -> None:
    results = examine(a_board(), BOARD)
    assert {result.state for result in results} == {OK}
    assert row(results, "jetpack").text == "L4T 32.7.1, NVIDIA Jetson Nano Developer Kit"
    assert row(results, "adc").text == "CV 1 +0.13 V, CV 2 +0.13 V, CV 3 +0.13 V, CV 4 +0.13 V"
    assert row(results, "screen").text == "answers at 0x3C on I2C bus 1"


@pytest.mark.parametrize(
    "name,word", [("gpio", "JetPack"), ("spi", "jetson-io"), ("i2c", "i2c-dev")]
)
def test_a_board_without_a_bus_is_a_fault_and_the_remedy_is_named(name: str, word: str) -> None:
    machine = a_board()
    pattern = {"gpio": "/dev/gpiochip*", "spi": "/dev/spidev*", "i2c": "/dev/i2c-*"}[name]
    machine.present[pattern] = []
    found = row(examine(machine, BOARD), name)
    assert found.state == FAIL and word in found.text
    assert row(examine(machine), name).state == OK, "a machine that is no board needs none"


@pytest.mark.parametrize(
    "counts,state,words",
    [
        ([0, 0, 0, 0], FAIL, "all zeros: the pins have no function (JetPack 4.6.3: pin-mux"),
        ([4095, 4095, 4095, 4095], FAIL, "all ones: the pins"),
        ([2048, 0, 2048, 4095], WARN, "CV 2 and 4 is at the end"),
        (OSError(2, "No such file or directory"), FAIL, "/dev/spidev0.0: not there"),
        (ImportError("No module named 'spidev'"), FAIL, "a package is missing"),
    ],
)
def test_what_the_converter_reads_tells_what_is_wrong(counts: Any, state: str, words: str) -> None:
    machine = a_board()
    machine.counts = counts
    found = row(examine(machine, BOARD), "adc")
    assert found.state == state and words in found.text


def test_a_chip_that_does_not_answer_is_named_with_its_bus() -> None:
    machine = a_board()
    machine.silent[1, 0x3C] = OSError(6, "No such device or address")
    machine.silent[1, 0x0F] = ImportError("No module named 'smbus2'")
    results = examine(machine, BOARD)
    assert row(results, "screen").state == row(results, "encoder").state == FAIL
    assert "0x3C on I2C bus 1 (No such device" in row(results, "screen").text
    assert "smbus2" in row(results, "encoder").text
    without = Config(panel="jetson", board={"screen": "none", "encoder": "quadrature"})
    names = [result.name for result in examine(machine, without)]
    assert "screen" not in names and "encoder" not in names


@pytest.mark.parametrize(
    "revision", ["R32 (release), REVISION: 6.1", "R35 (release), REVISION: 4.1"]
)
def test_another_jetpack_is_a_fault_that_names_those_that_are_allowed(revision: str) -> None:
    machine = a_board()
    machine.texts["/etc/nv_tegra_release"] = "# " + revision
    found = row(examine(machine, BOARD), "jetpack")
    assert found.state == FAIL and "JetPack 4.6.1" in found.text and "JetPack 6" in found.text


def test_a_processor_that_may_be_slowed_down_is_a_warning() -> None:
    machine = a_board()
    folder = "/sys/devices/system/cpu/cpu0/cpufreq"
    machine.texts[folder + "/scaling_min_freq"] = "102000"
    machine.texts[folder + "/cpuinfo_max_freq"] = "1479000"
    found = row(examine(machine), "frequency")
    assert (
        found.state == WARN and "102 of 1479 MHz" in found.text and "neurorave-power" in found.text
    )
    machine.texts[folder + "/scaling_min_freq"] = "1479000"
    assert row(examine(machine), "frequency") == Result("frequency", OK, "1479 MHz, always")


def test_what_slows_the_board_down_is_named() -> None:
    machine = a_board()
    machine.texts["/sys/class/thermal/cooling_device0/type"] = "pwm-fan"
    machine.texts["/sys/class/thermal/cooling_device0/cur_state"] = "3"
    assert row(examine(machine), "throttling").state == OK
    machine.texts["/sys/class/thermal/cooling_device1/type"] = "cpu-balanced"
    machine.texts["/sys/class/thermal/cooling_device1/cur_state"] = "1"
    found = row(examine(machine), "throttling")
    assert found.state == WARN and "cpu-balanced" in found.text
    machine.texts["/sys/class/hwmon/hwmon3/oc2_event_cnt"] = "7"
    found = row(examine(machine), "throttling")
    assert found.state == WARN and "7 times" in found.text and "5 V" in found.text


def test_a_clock_in_1970_is_a_warning() -> None:
    machine = Paper()
    machine.today = 1970
    found = row(examine(machine), "date")
    assert found.state == WARN and "1970" in found.text


def test_the_card_is_looked_at_where_there_should_be_one() -> None:
    machine = Paper()
    config = Config(card="/media/neurorave")
    assert row(examine(machine, config), "card") == Result(
        "card", OK, "/media/neurorave, 2000 MB free"
    )
    machine.inserted = CardState(True, False, 0, "The card is read-only.")
    assert row(examine(machine, config), "card") == Result("card", WARN, "The card is read-only.")
    assert "card" not in [result.name for result in examine(machine)]


def test_a_program_is_asked_once_and_not_for_ever() -> None:
    machine = Machine()
    assert machine.run([sys.executable, "-c", "print('well')"]) == "well\n"
    assert machine.run(["/no/such/program"]) == ""


def test_text_and_json_say_the_same() -> None:
    machine = Paper()
    machine.broken["yaml"] = ImportError("no")
    results = examine(machine)
    lines = doctor.as_text(results).splitlines()
    document = json.loads(json.dumps(doctor.as_json(results)))
    assert document["ok"] is False
    assert len(lines) == len(results) == len(document["checks"])
    for line, check in zip(lines, document["checks"]):
        assert line.split()[:2] == [check["state"], check["name"]]
        assert line.endswith(check["text"])


def test_on_the_real_machine_what_the_tests_run_on_is_there() -> None:
    results = examine(Machine(), Config(bundle="tests/data/toy_bundle"))
    assert row(results, "numpy").state == OK
    assert row(results, "onnxruntime").state == OK
    assert row(results, "python").state == OK
    assert "toy" in row(results, "models").text
