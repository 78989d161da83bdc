"""Long recordings are streamed and cut; splits never share a group."""

import tracemalloc
from pathlib import Path
from typing import Dict, Set

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_train.data import loading
from neurorave_train.data.outfolder import Arguments
from neurorave_train.data.prepare import split_members
from neurorave_train.data.prepared import PreparedData
from neurorave_train.data.scan import Scan, Source, family_of
from neurorave_train.data.splits import assign_splits
from neurorave_train.data.work import Result

from .audio_sets import prepare, strokes

FEW = settings(max_examples=30, deadline=None)
NAMES = st.text("abcdé 012/", min_size=1, max_size=6)


@given(st.sets(NAMES, min_size=1, max_size=20), st.floats(0, 0.5), st.integers(0, 99), st.data())
@FEW
def test_a_groups_split_is_its_own(
    groups: "set[str]", share: float, seed: int, data: st.DataObject
) -> None:
    splits = assign_splits(groups, share, seed, keep_both=False)
    part = data.draw(st.sets(st.sampled_from(sorted(groups)), min_size=1))
    # Neither order nor company moves a group, so that added recordings leak nothing.
    assert assign_splits(sorted(part, reverse=True), share, seed, keep_both=False) == {
        group: splits[group] for group in part
    }


@given(st.sets(NAMES, min_size=2, max_size=40), st.floats(0.01, 0.5), st.integers(0, 99))
@FEW
def test_no_split_is_left_empty(groups: "set[str]", share: float, seed: int) -> None:
    splits = assign_splits(groups, share, seed)
    assert set(splits) == groups and set(splits.values()) == {"train", "valid"}
    plain = assign_splits(groups, share, seed, keep_both=False)
    assert sum(plain[group] != splits[group] for group in groups) <= 1


def test_share_is_met_and_seeds_differ() -> None:
    groups = [f"group{number}" for number in range(4000)]
    parts = [assign_splits(groups, 0.1, seed) for seed in (0, 1)]
    for part in parts:
        assert sum(split == "valid" for split in part.values()) == pytest.approx(400, abs=80)
    assert parts[0] != parts[1]
    assert assign_splits(["only"], 0.5, 0) == {"only": "train"}
    assert "valid" not in assign_splits(groups, 0.0, 0).values()


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 8), st.booleans()), min_size=1, max_size=40
    ),
    st.integers(0, 9),
)
@FEW
def test_groups_never_cross(rows: "list[tuple[int, int, bool]]", seed: int) -> None:
    """Folders 0 and 1 are split by group, folder 2 by its own train/ and valid/."""
    sources = [
        Source(
            Path("unread"),
            f"set{folder}/{number}.wav",
            f"set{folder}/take{take}",
            ("train", "valid")[take % 2] if folder == 2 else None,
            1,
            1,
        )
        for number, (folder, take, _) in enumerate(rows)
    ]
    results = {
        source.name: Result(source.name, [9] if good else [], None if good else "bad", None)
        for source, (_, _, good) in zip(sources, rows)
    }
    arguments = Arguments.checked(["set0", "set1", "set2"], [], 16000, 512, 0.3, seed)
    members = split_members(Scan(sources, [], []), results, arguments)
    assert {m.source.name for m in members} == {n for n, r in results.items() if not r.refused}
    sides: Dict[str, Set[str]] = {}
    for member in members:
        if member.source.fixed_split is not None:
            assert member.split == member.source.fixed_split
        else:
            # The same name in two folders is the same group.
            sides.setdefault(member.source.group.split("/")[1], set()).add(member.split)
    assert all(len(side) == 1 for side in sides.values())


@pytest.mark.parametrize(
    "name,family",
    [("a/cajon_sl5.wav", "cajon"), ("Tabla 3.wav", "tabla"), ("01.wav", "other"), ("é1.wav", "é")],
)
def test_family_is_the_leading_word(name: str, family: str) -> None:
    assert family_of(name) == family


def long_file(path: Path, minutes: float, rate: int) -> None:
    """Noise with a short gap every 7 s, written by the minute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(str(path), "w", rate, 1, "PCM_16") as stream:
        for start in range(0, int(minutes * 60), 60):
            time = start + np.arange(60 * rate) / rate
            sound = 0.3 * rng.standard_normal(60 * rate).clip(-3, 3)
            stream.write(np.where(time % 7.0 < 0.1, 0.0, sound).astype(np.float32))


def test_a_long_file_is_cut_in_its_gaps_and_stays_in_one_split(tmp_path: Path) -> None:
    rate = 8000
    long_file(tmp_path / "set" / "long.flac", 10.0, rate)
    strokes(tmp_path / "set", 4)
    assert prepare(tmp_path / "set", tmp_path / "out", rate=rate) == 0
    data = PreparedData(tmp_path / "out")
    found = {
        part: [hit for hit in data.split(part).hits if "long" in hit.name]
        for part in ("train", "valid")
    }
    assert not found["train"] or not found["valid"]
    pieces = found["train"] + found["valid"]
    lengths = [hit.samples for hit in pieces]
    assert sum(lengths) == 600 * rate and max(lengths) <= 30 * rate and min(lengths) > 0
    assert len({hit.group for hit in pieces}) == 1
    assert [hit.name for hit in pieces] == sorted(hit.name for hit in pieces)
    # Every cut lies in a gap, and nothing but the 5 ms fades there differs from the file.
    for cut in np.cumsum(lengths)[:-1] / rate:
        assert cut % 7.0 < 0.1
    whole, _ = soundfile.read(str(tmp_path / "set" / "long.flac"), dtype="float32")
    assert np.abs(np.concatenate([hit.audio for hit in pieces]) - whole).max() < 1e-4


@pytest.mark.parametrize("rate", [8000, 11025])
def test_a_long_file_is_never_held_whole(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "long.wav"
    long_file(path, 4.0, rate)
    tracemalloc.start()
    found = loading.probe(path)
    count = longest = 0
    for piece in loading.pieces(path, found, 8000):
        count += len(piece)
        longest = max(longest, len(piece))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.blocks is None
    assert abs(count - 240 * 8000) <= 2 and longest <= 30 * 8000
    # The whole is 7.7 MB as float32.
    assert peak < 6e6


@given(st.integers(200, 4000), st.integers(0, 2**32 - 1), st.sampled_from([8000, 22050, 44100]))
@FEW
def test_streamed_resampling_keeps_length_and_level(samples: int, seed: int, rate: int) -> None:
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / rate
    mono = (0.5 * np.sin(2 * np.pi * rng.uniform(100, 1000) * time)).astype(np.float32)
    cuts = np.sort(rng.integers(0, samples, 5))
    blocks = [block[:, None] for block in np.split(mono, cuts)]
    found = loading.Probe(rate, samples, None, 1.0, 0.5, blocks)
    out = np.concatenate(list(loading.mono_blocks(Path("unread"), found, 16000)))
    assert abs(len(out) - samples * 16000 / rate) <= 1.0
    whole = np.concatenate(
        list(loading.mono_blocks(Path("unread"), found._replace(blocks=[mono[:, None]]), 16000))
    )
    assert np.abs(out - whole).max() < 1e-5


def test_quietest_place() -> None:
    audio = np.ones(1000, np.float32)
    audio[600:640] = 0.0
    assert 600 <= loading.quietest(audio, 20) <= 640
    assert loading.quietest(audio[:10], 20) == 5
