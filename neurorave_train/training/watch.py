"""An early word where training has gone wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from neurorave_device.errors import UserError


def refuse_nan(step: int, terms: dict[str, Tensor]) -> None:
    """Raises UserError that names the terms which are not finite at `step`."""
    bad = [name for name, value in terms.items() if not bool(torch.isfinite(value).all())]
    if bad:
        raise UserError(
            f"training stopped at step {step}: the terms {', '.join(bad)} are not "
            "finite; resume from the last checkpoint with a smaller optimiser.rate"
        )
