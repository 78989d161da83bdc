"""What the latents tell of the descriptors, read by a straight line and by a small network."""

import warnings
from typing import Any, Dict, Iterator, Tuple

import numpy as np

from .metrics import Array, Floats
from .subject import DESCRIPTORS

CONTEXT = 2
HIDDEN = 64
# More frames than this teach the network nothing new, and cost minutes.
MOST_FRAMES = 6000


def probe_r2(z: Floats, q: Floats, context: int = CONTEXT) -> Dict[str, float]:
    """How much of each descriptor a ridge regression reads from the latents (R^2, two-fold by clip).

    It sees 2 * context + 1 latent frames and their squares. Near 1: the latent repeats the
    descriptor; 0 or less: it knows nothing of it.
    """
    from sklearn.linear_model import Ridge

    def guess(x: Array, y: Array, asked: Array) -> Array:
        return np.asarray(Ridge(alpha=1e-3 * len(x)).fit(x, y).predict(asked))

    features = _context(z, context)
    features = np.concatenate([features, np.square(features)], axis=-1)
    return _two_fold(features, q, guess)


def probe_network_r2(z: Floats, q: Floats, context: int = CONTEXT) -> Dict[str, float]:
    """As `probe_r2`, read by a network of one hidden layer: also what does not lie on a line."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    def guess(x: Array, y: Array, asked: Array) -> Array:
        rows = np.random.default_rng(0).permutation(len(x))[:MOST_FRAMES]
        net = MLPRegressor(
            hidden_layer_sizes=(HIDDEN,), alpha=1e-2, early_stopping=True, random_state=0
        )
        with warnings.catch_warnings():
            # It stops after a number of rounds that is always the same, converged or not.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return np.asarray(net.fit(x[rows], y[rows]).predict(asked))

    return _two_fold(_context(z, context), q, guess)


def _context(z: Floats, context: int) -> Array:
    """Each frame with its neighbours, [N, F, L * (2 * context + 1)]."""
    frames = np.pad(z, ((0, 0), (context, context), (0, 0)), mode="edge")
    parts = [frames[:, i : i + z.shape[1]] for i in range(2 * context + 1)]
    return np.concatenate(parts, axis=-1).astype(np.float64)


def _two_fold(features: Array, q: Floats, guess: Any) -> Dict[str, float]:
    """R^2 of guesses for one half of the clips, taught with the other, both ways."""
    residual, spread = np.zeros(q.shape[-1]), np.zeros(q.shape[-1])
    for x, y, asked, truth in _folds(features, q.astype(np.float64)):
        mean, scale, offset = x.mean(axis=0), x.std(axis=0) + 1e-6, y.mean(axis=0)
        found = guess((x - mean) / scale, y - offset, (asked - mean) / scale) + offset
        residual += np.square(truth - found).sum(axis=0)
        spread += np.square(truth - truth.mean(axis=0)).sum(axis=0)
    return {
        name: float(1.0 - r / max(s, 1e-9)) for name, r, s in zip(DESCRIPTORS, residual, spread)
    }


def _folds(features: Array, q: Array) -> Iterator[Tuple[Array, Array, Array, Array]]:
    for fold in range(2):
        held = np.arange(len(features)) % 2 == fold
        parts = features[~held], q[~held], features[held], q[held]
        x, y, asked, truth = (part.reshape(-1, part.shape[-1]) for part in parts)
        yield x, y, asked, truth
