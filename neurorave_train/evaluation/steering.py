"""What of a request reaches a model that follows few descriptors, or that cannot leave any free."""

from typing import Any, Dict, Iterable, Iterator, Tuple

import numpy as np

from .metrics import Floats
from .requests import Request
from .subject import DESCRIPTORS, Codec, followed

MASKED = "free"
OWN = "the clip's own"


def in_its_place(codec: Codec, q: Floats, asked: Floats, mask: Floats) -> Tuple[Floats, Floats]:
    """Asked values and mask [N, F, D] as this model's player can ask them, `q` being the clips' own.

    A model that frees nothing follows every value that it gets, so the value of a descriptor which
    is nobody's wish is the clip's own. The same holds for descriptors that it does not follow:
    there the latents decide, and the clip's own is what one expects of them.
    """
    own = np.ones(len(DESCRIPTORS), dtype=np.bool_)
    own[followed(codec)] = False
    stays = np.broadcast_to(own, q.shape)
    if not codec.frees:
        stays = stays | (mask == 0.0)
    return np.where(stays, q, asked), np.where(stays, np.float32(1.0), mask)


def steered(codec: Codec, q: Floats, requests: Iterable[Request]) -> Iterator[Request]:
    """The requests in their place; those that move nothing which the model follows are left out."""
    moved = np.isin(np.arange(len(DESCRIPTORS)), followed(codec))
    for request in requests:
        targets = [d for d in request.targets if moved[d]]
        if not targets:
            continue
        asked, mask = in_its_place(codec, q, request.asked, request.mask)
        chosen = None if request.chosen is None else request.chosen & moved
        yield request._replace(targets=targets, asked=asked, mask=mask, chosen=chosen)


def steering(codec: Codec) -> Dict[str, Any]:
    """Which descriptors steer this model, and what the others are asked in `one_free` and its like."""
    follows = [DESCRIPTORS[d] for d in followed(codec)]
    return {
        "follows": follows,
        "not_steered": [name for name in DESCRIPTORS if name not in follows],
        "frees": codec.frees,
        "what_is_free": MASKED if codec.frees else OWN,
    }
