"""Export: a trained run becomes a bundle that the module plays."""

from neurorave_train.export.command import main

__all__ = ["main"]
