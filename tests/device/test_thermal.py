"""Thermal zones: the one nearest to its limit, and every kind of zone that cannot be read."""

import os
import threading
from pathlib import Path
from typing import Any, Optional, Sequence, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.clock import VirtualClock
from neurorave_device.machine import thermal
from neurorave_device.machine.thermal import BELOW_TRIP, LIMIT_WITHOUT_TRIP, Heat, Watch, Zones

Trips = Sequence[Tuple[str, object]]


def add_zone(folder: Path, number: int, kind: str, temp: object, trips: Trips = ()) -> Path:
    """Writes a zone as the kernel shows it; ``temp`` and trip points are the files' texts."""
    zone = folder / ("thermal_zone%d" % number)
    zone.mkdir()
    (zone / "type").write_text("%s\n" % kind)
    (zone / "temp").write_text("%s\n" % temp)
    for index, (trip, celsius) in enumerate(trips):
        (zone / ("trip_point_%d_type" % index)).write_text("%s\n" % trip)
        (zone / ("trip_point_%d_temp" % index)).write_text("%s\n" % celsius)
    return zone


@pytest.fixture
def nano(tmp_path: Path) -> Path:
    """A board whose processors have passive trip points, and zones that say nothing about them."""
    critical = [("critical", 102500)]
    add_zone(tmp_path, 0, "AO-therm", 61000)
    add_zone(tmp_path, 1, "CPU-therm", 55500, critical + [("passive", 97000)])
    add_zone(tmp_path, 2, "GPU-therm", 54000, [("active", 35000), ("passive", 88000)] + critical)
    add_zone(tmp_path, 3, "PMIC-Die", 100000, [("passive", 90000)])
    (tmp_path / "cooling_device0").mkdir()
    return tmp_path


def test_the_zone_nearest_to_its_limit_counts(nano: Path) -> None:
    zones = Zones(str(nano))
    assert zones.read() == Heat("GPU-therm", 54.0, 88.0 - BELOW_TRIP, True)
    (nano / "thermal_zone1" / "temp").write_text("93250")
    assert zones.read() == Heat("CPU-therm", 93.25, 97.0 - BELOW_TRIP, True)


def test_without_trip_points_the_hottest_zone_has_a_limit_of_80(tmp_path: Path) -> None:
    add_zone(tmp_path, 0, "cpu", 45000, [("critical", 95000), ("active", 40000)])
    add_zone(tmp_path, 1, "board", 46000, [("passive", 0), ("passive", -274000)])
    assert Zones(str(tmp_path)).read() == Heat("board", 46.0, LIMIT_WITHOUT_TRIP, False)


def test_the_lowest_trip_point_of_a_zone_counts_but_not_one_that_feels_the_case(
    tmp_path: Path,
) -> None:
    trips = [("passive", 95000), ("passive", 85000), ("passive", 45000), ("passive", 900000)]
    add_zone(tmp_path, 0, "cpu", 70000, trips)
    heat = Zones(str(tmp_path)).read()
    assert heat is not None and heat.limit == 85.0 - BELOW_TRIP


def test_a_zone_that_fails_is_left_out_and_comes_back(nano: Path) -> None:
    zones = Zones(str(nano))
    assert zones.read() is not None
    os.remove(str(nano / "thermal_zone2" / "temp"))
    found = zones.read()
    assert found is not None and found.zone == "CPU-therm"
    (nano / "thermal_zone2" / "temp").mkdir()
    assert zones.read() == found
    (nano / "thermal_zone2" / "temp").rmdir()
    (nano / "thermal_zone2" / "temp").write_text("91000")
    assert zones.read() == Heat("GPU-therm", 91.0, 83.0, True)


def test_zones_that_come_later_are_found_and_zones_that_go_are_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "thermal"
    zones = Zones(str(folder))
    assert zones.read() is None
    folder.mkdir()
    assert zones.read() is None
    zone = add_zone(folder, 0, "cpu", 40000)
    assert zones.read() is not None
    os.remove(str(zone / "temp"))
    assert zones.read() is None


@pytest.mark.parametrize(
    "text", ["", "hot", "45.5", "0x20", "1e3", "-256000", "999999999", "9" * 60, "\x00\xff", "4 5"]
)
def test_garbage_is_no_temperature(tmp_path: Path, text: str) -> None:
    add_zone(tmp_path, 0, "cpu", text)
    zones = Zones(str(tmp_path))
    assert zones.read() is None
    add_zone(tmp_path, 1, "gpu", 40000, [("passive", text)])
    assert zones.read() == Heat("gpu", 40.0, LIMIT_WITHOUT_TRIP, False)


def test_a_zone_without_a_type_has_the_name_of_its_folder(tmp_path: Path) -> None:
    zone = add_zone(tmp_path, 7, "", 40000)
    os.remove(str(zone / "type"))
    heat = Zones(str(tmp_path)).read()
    assert heat is not None and heat.zone == "thermal_zone7"


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=80), trip=st.binary(max_size=80))
def test_no_content_of_a_file_does_harm(content: bytes, trip: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        zone = add_zone(Path(folder), 0, "cpu", 0, [("passive", 0)])
        (zone / "temp").write_bytes(content)
        (zone / "trip_point_0_temp").write_bytes(trip)
        (zone / "type").write_bytes(trip)
        heat = Zones(folder).read()
        assert heat is None or -55.0 < heat.celsius < 150.0


def test_a_reading_that_is_too_old_is_none(nano: Path) -> None:
    clock = VirtualClock()
    watch = Watch(clock, str(nano))
    assert watch.newest() is None
    watch.read_once()
    assert watch.newest() is not None
    clock.advance(14.0)
    assert watch.newest() is not None
    clock.advance(2.0)
    assert watch.newest() is None


def test_a_sensor_that_hangs_holds_up_nobody(nano: Path, monkeypatch: Any) -> None:
    hanging, go_on = threading.Event(), threading.Event()
    celsius = thermal._celsius

    def slow(path: str) -> Optional[float]:
        hanging.set()
        assert go_on.wait(10.0)
        return celsius(path)

    # A priority would stay with this process's thread only, and is not what is shown here.
    monkeypatch.setattr("neurorave_device.processes.realtime.raise_priority", lambda _: False)
    monkeypatch.setattr(thermal, "_celsius", slow)
    watch = Watch(VirtualClock(), str(nano))
    watch.start()
    assert hanging.wait(10.0)
    assert watch.newest() is None
    watch.stop()
    go_on.set()
    watch._worker.join(10.0)
    assert not watch._worker.is_alive()
    assert watch._worker.error is None
