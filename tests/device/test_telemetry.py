"""The telemetry record: what goes in comes out, and it always fits its cell."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.link import shared
from neurorave_device.link.telemetry import FAULT, RECORD, Report, pack, unpack

SMALL = st.floats(-100, 100, width=32)
TEXT = st.text(alphabet="abc äß€𝄞-_ ", max_size=300)


@given(
    count=st.integers(0, 16),
    values=st.lists(SMALL, min_size=32, max_size=32),
    mask=st.lists(st.booleans(), min_size=16, max_size=16),
    state=st.sampled_from(["starting", "playing", "stopping", "fault"]),
    samples=st.integers(0, 2**62),
)
def test_a_report_survives(count, values, mask, state, samples):  # type: ignore[no-untyped-def]
    report = Report(
        time=values[0],
        samples=samples,
        state=state,
        realtime=mask[0],
        gates=(mask[1], mask[2]),
        patched=(mask[4], mask[5], mask[6], mask[7]),
        frozen=mask[8],
        macro=values[16],
        morph=values[17],
        mask=tuple(mask[:count]),
        level=abs(values[1]),
        peak=abs(values[2]),
        load=abs(values[3]),
        late=samples % 1000,
        underruns=samples % 77,
        late_edges=samples % 5,
        midi_garbage=samples % 11,
        measured=mask[3],
        eased=samples % 4,
        volts=(values[4], values[5], values[6], values[7]),
        raw=(values[8], values[9], values[10], values[11]),
        spread=(values[12], values[13], values[14], values[15]),
        asked=tuple(values[:count]),
        heard=tuple(values[16 : 16 + count]),
        bundle="hand_percussion",
        engine="onnx",
        audio="browser",
        message="all is well",
        midi_fault="no port" if mask[1] else "",
        faults=("the converter is not", "") if mask[2] else (),
    )
    assert unpack(pack(report)) == report


@given(text=TEXT)
def test_long_texts_are_cut_between_characters(text: str) -> None:
    message = unpack(pack(Report(message=text))).message
    # The record pads with NUL bytes, which no text here contains.
    assert text.startswith(message)
    assert len(message) == len(text) or len(text.encode("utf-8")) > 236


def test_nothing_written_is_starting() -> None:
    assert unpack(None).state == "starting"


def test_the_record_fits_its_cell_and_values_may_be_numpy() -> None:
    assert RECORD.itemsize <= shared.TELEMETRY_BYTES
    array = np.linspace(0, 1, 5).astype(np.float32)
    report = Report(
        state=FAULT, mask=tuple(array > 0.5), asked=tuple(array), heard=tuple(array), peak=array[1]
    )
    back = unpack(pack(report))
    assert back.asked == tuple(float(value) for value in array)
    assert back.mask == (False, False, False, True, True)
