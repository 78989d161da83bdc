"""Which group of recordings trains and which one validates."""

import hashlib
from typing import Dict, Iterable

TRAIN = "train"
VALID = "valid"


def shard_name(split: str, number: int) -> str:
    """The file of a split's audio; the first has no number, because most sets have no other."""
    return f"audio.{split}.npy" if number == 0 else f"audio.{split}.{number}.npy"


def group_position(group: str, seed: int) -> float:
    """Place a group on 0..1 by a hash of its name, the same on every machine and in every run."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


def assign_splits(
    groups: Iterable[str], valid_share: float, seed: int, keep_both: bool = True
) -> Dict[str, str]:
    """Give each group to one split.

    A group's split depends on its own name only, so that adding recordings moves no old group. The
    exception is a set too small for its share: with `keep_both` one group is then moved so that no
    split is empty (never with a single group, and never when no validation is asked).
    """
    positions = {group: group_position(group, seed) for group in set(groups)}
    splits = {g: VALID if p < valid_share else TRAIN for g, p in positions.items()}
    if not keep_both:
        return splits
    if len(positions) == 1:
        return dict.fromkeys(splits, TRAIN)
    if len(positions) > 1 and valid_share > 0:
        # The name breaks a tie, which a 64-bit hash all but excludes.
        order = sorted(positions, key=lambda g: (positions[g], g))
        if VALID not in splits.values():
            splits[order[0]] = VALID
        if TRAIN not in splits.values():
            splits[order[-1]] = TRAIN
    return splits
