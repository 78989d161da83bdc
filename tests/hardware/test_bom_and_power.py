"""The bill of materials is the netlist's, and no rail delivers more than is declared."""

import csv
import io

from hardware import bom, power
from hardware.checks import RAILS
from hardware.design import Design


def test_every_part_is_bought_once_and_has_a_number(module: Design) -> None:
    rows = list(csv.DictReader(io.StringIO(bom.text(module))))
    listed = [ref for row in rows if row["footprint"] for ref in row["references"].split()]
    assert sorted(listed) == sorted(module.parts)
    assert sum(int(row["quantity"]) for row in rows if row["footprint"]) == len(module.parts)
    for row in rows:
        assert row["maker"] and row["part number"] and int(row["quantity"]) > 0, row
        if row["footprint"]:
            assert int(row["quantity"]) == len(row["references"].split())


def test_each_part_has_one_maker_number(module: Design) -> None:
    """SKiDL's part carries the same number as the list."""
    for part in module.circuit.parts:
        numbers = {row[5] for row in bom.rows(module) if row[6] and part.ref in row[1].split()}
        assert numbers == {part.fields["MPN"]}


def test_no_rail_delivers_more_than_is_declared() -> None:
    declared = power.rails()
    for name, total in power.sums().items():
        assert 0 < total.typical <= total.largest <= declared[name].declared, (name, total)


def test_feeding_is_summed_up() -> None:
    sums = power.sums()
    own = {name: sum(d.largest for d in power.draws() if d.rail == name) for name in sums}
    assert sums["A5V"].largest == own["A5V"] + own["A3V3"]
    assert sums["P12"].largest == own["P12"] + sums["P12A"].largest + sums["P12_BUCK"].largest
    # 5 V at 88 %: 5 / (12 * 0.88).
    assert abs(power.rails()["P5"].share - 5 / (12 * 0.88)) < 0.001
    names = list(power.rails())
    for rail in power.rails().values():
        assert not rail.source or names.index(rail.source) > names.index(rail.name)


def test_whatever_draws_is_listed(module: Design) -> None:
    """Each supply pin of a chip or module, and each resistor from a rail to something else than a rail."""
    listed = {(draw.rail, draw.part) for draw in power.draws()}
    rails = set(power.rails())
    for ref, pins in RAILS.items():
        for pin, rail in pins.items():
            takes = {name: kind for _, name, kind in module.parts[ref].facts.pins}[pin] == "PWRIN"
            if rail in rails and takes:
                assert (rail, ref) in listed, (ref, pin, rail)
    for part in module.parts.values():
        if part.kind == "resistor":
            ends = [net for net in part.pins.values() if net in rails]
            if len(ends) == 1:
                assert (ends[0], part.ref) in listed, part
    for rail, ref in listed:
        assert rail in module.parts[ref].pins.values(), (rail, ref)
