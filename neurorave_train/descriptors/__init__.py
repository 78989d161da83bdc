"""Descriptors: what is measured on a sound, in physical units and in quantile units."""

from .measure import DESCRIPTORS, Descriptors, DescriptorSpec, average_floor
from .quantiles import PROBABILITIES, QuantileMap, quantile_tables

__all__ = [
    "DESCRIPTORS",
    "PROBABILITIES",
    "DescriptorSpec",
    "Descriptors",
    "QuantileMap",
    "average_floor",
    "quantile_tables",
]
