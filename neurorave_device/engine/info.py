"""What a bundle says about its model, as plain values without any logic."""

from typing import NamedTuple, Tuple


class DescriptorInfo(NamedTuple):
    """One descriptor of the model.

    `quantiles` are 25 ascending values in `unit` (dB, Hz, acum ...): the training set's
    values at the probabilities linspace(0.01, 0.99, 25).
    """

    name: str
    unit: str
    quantiles: Tuple[float, ...]


class GuardInfo(NamedTuple):
    """The joint range of the descriptors in the training set, in quantile units (0..1).

    `mean` [D] and `covariance` [D][D] describe it, `limit` is the Mahalanobis distance that holds
    99 % of the training frames, `rate` [D] the largest usual change in one frame.
    """

    mean: Tuple[float, ...]
    covariance: Tuple[Tuple[float, ...], ...]
    limit: float
    rate: Tuple[float, ...]


class BundleInfo(NamedTuple):
    """The checked contents of `bundle.yaml` that other layers need.

    `sample_rate` in Hz, `hop` in samples, `latents` the count of latent coordinates,
    `latent_quantiles` [L][25] in latent units, `latency_samples` the delay of encoder and decoder
    together, `parameters` the count of weights, `mac_per_second` the cost of the decoder and prior,
    `lighter` the name of the folder beside this bundle's with a variant that costs less, '' where there is none.
    `pitched` says that latent 0 is a pitch, in octaves from 250 Hz.
    """

    name: str
    author: str
    version: str
    licence: str
    description: str
    sample_rate: int
    hop: int
    latents: int
    descriptors: Tuple[DescriptorInfo, ...]
    latent_quantiles: Tuple[Tuple[float, ...], ...]
    guard: GuardInfo
    latency_samples: int
    parameters: int
    mac_per_second: float
    lighter: str = ""
    pitched: bool = False
