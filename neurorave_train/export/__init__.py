"""Export: a trained run becomes a bundle that the module plays."""

import argparse


def main(args: argparse.Namespace) -> None:
    """Runs the `export` command, which needs the training code and so is imported late."""
    from neurorave_train.export.command import main as run

    run(args)
